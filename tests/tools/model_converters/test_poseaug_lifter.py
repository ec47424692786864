import pytest
import torch
from torch import nn

from tests.helpers.tools import mistake
from tools.model_converters import poseaug_lifter
from vlplugins.registry import MODELS


class Stage(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.w1, self.batch_norm1 = nn.Linear(width, width), nn.BatchNorm1d(width)
        self.w2, self.batch_norm2 = nn.Linear(width, width), nn.BatchNorm1d(width)

    def forward(self, x):
        y = self.batch_norm1(self.w1(x)).relu()
        return x + self.batch_norm2(self.w2(y)).relu()


class Linear(nn.Module):
    """SimpleBaseline with the names of the release."""

    def __init__(self, width=16):
        super().__init__()
        self.w1, self.batch_norm1 = nn.Linear(32, width), nn.BatchNorm1d(width)
        self.linear_stages = nn.ModuleList([Stage(width) for _ in range(2)])
        self.w2 = nn.Linear(width, 45)

    def forward(self, x):
        x = self.batch_norm1(self.w1(x)).relu()
        for stage in self.linear_stages:
            x = stage(x)
        return torch.cat([x.new_zeros(len(x), 3), self.w2(x)], dim=1).view(-1, 16, 3)


class Temporal(nn.Module):
    """VideoPose of one frame with the names of the release."""

    def __init__(self, width=16):
        super().__init__()
        self.expand_conv, self.expand_bn = nn.Conv1d(32, width, 1, bias=False), nn.BatchNorm1d(width)
        self.layers_conv = nn.ModuleList([nn.Conv1d(width, width, 1, bias=False) for _ in range(8)])
        self.layers_bn = nn.ModuleList([nn.BatchNorm1d(width) for _ in range(8)])
        self.shrink = nn.Conv1d(width, 45, 1)

    def forward(self, x):
        x = self.expand_bn(self.expand_conv(x[..., None])).relu()
        for i in range(4):
            y = self.layers_bn[2 * i](self.layers_conv[2 * i](x)).relu()
            x = x + self.layers_bn[2 * i + 1](self.layers_conv[2 * i + 1](y)).relu()
        x = self.shrink(x)[..., 0]
        return torch.cat([x.new_zeros(len(x), 3), x], dim=1).view(-1, 16, 3)


def stir(model):
    torch.manual_seed(0)
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if name.endswith('var') else 0.3 * torch.randn_like(value))
    return model.eval()


def ours(blocks, width=16):
    kernels = (1,) * (blocks + 1)
    backbone = dict(type='mmpose.TCN', in_channels=32, stem_channels=width, num_blocks=blocks, kernel_sizes=kernels)
    head = dict(type='PoseLiftHead', in_channels=width)
    return MODELS.build(dict(type='PoseGULifter', backbone=backbone, head=head)).eval()


@pytest.mark.parametrize('lifter, network, blocks', [('simplebaseline', Linear, 2), ('videopose', Temporal, 4)])
def test_networks_of_layers_give_the_same_poses(lifter, network, blocks, tmp_path):
    pytest.importorskip('mmpose')
    released, inputs = stir(network()), torch.randn(5, 32)
    torch.save(dict(model_pos={f'module.{k}': v for k, v in released.state_dict().items()}), tmp_path / 'in.pth.tar')
    poseaug_lifter.main([str(tmp_path / 'in.pth.tar'), str(tmp_path / 'out.pth'), '--lifter', lifter])
    model = ours(blocks)
    model.load_state_dict(torch.load(tmp_path / 'out.pth')['state_dict'], strict=True)
    torch.testing.assert_close(model(inputs[..., None]), released(inputs), atol=1e-5, rtol=1e-5)
    poseaug_lifter.main([str(tmp_path / 'out.pth'), str(tmp_path / 'back'), '--lifter', lifter, '--to-poseaug'])
    back = stir(network())
    back.load_state_dict(torch.load(tmp_path / 'back')['model_pos'], strict=True)
    torch.testing.assert_close(back(inputs), released(inputs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    'lifter, backbone, prefix',
    [('semgcn', dict(type='SemGCN', channels=8), ''), ('stgcn', dict(type='SingleFrameSTGCN'), 'stgcn.')],
)
def test_graph_networks_keep_their_names(lifter, backbone, prefix):
    model = MODELS.build(dict(type='PoseGULifter', backbone=backbone, head=dict(type='PoseLiftHead')))
    state = {name.removeprefix('backbone.'): value for name, value in model.state_dict().items()}
    released = {prefix + name: value for name, value in state.items()}
    converted = poseaug_lifter.convert({**released, f'{prefix}A': torch.zeros(1)}, lifter)
    model.load_state_dict(converted, strict=True)
    assert set(poseaug_lifter.convert(converted, lifter, to_poseaug=True)) == set(released)


def test_other_checkpoints_are_refused(tmp_path, capsys):
    torch.save(dict(state_dict=Temporal().state_dict()), tmp_path / 'in.pth')
    wrong = [tmp_path / 'in.pth', tmp_path / 'out.pth', '--lifter', 'simplebaseline']
    assert "'w1.weight' is missing" in mistake(capsys, poseaug_lifter, *wrong)
    state = Linear().state_dict()
    torch.save(dict(state_dict={**state, 'extra': torch.zeros(1)}), tmp_path / 'in.pth')
    assert "['extra']" in mistake(capsys, poseaug_lifter, *wrong)
    torch.save(dict(epoch=3), tmp_path / 'in.pth')
    assert 'holds no weights' in mistake(capsys, poseaug_lifter, *wrong)
    assert 'no such file' in mistake(capsys, poseaug_lifter, tmp_path / 'none', *wrong[1:])
