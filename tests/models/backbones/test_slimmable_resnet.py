import copy

import pytest
import torch
from mmengine.analysis import get_model_complexity_info
from torch import nn

from vlplugins.models.backbones.slimmable_resnet import SlimmableResNet
from vlplugins.models.layers.slimmable import SlimmableConv2d
from vlplugins.models.layers.switchable import SwitchableBatchNorm2d
from vlplugins.models.layers.widths import set_width, use_width

WIDTHS = (1.0, 0.75, 0.5, 0.25)


def small(**kwargs):
    arguments = dict(depth=18, base_channels=8, stage_blocks=(1, 1), stem='small', widths=WIDTHS)
    return SlimmableResNet(**{**arguments, **kwargs})


@pytest.mark.parametrize('depth, channels', [(18, (64, 128, 256, 512)), (50, (256, 512, 1024, 2048))])
@pytest.mark.parametrize('width', [1.0, 0.25])
def test_maps_have_the_channels_and_strides_of_the_width(depth, channels, width):
    model = SlimmableResNet(depth, widths=(1.0, 0.25), out_indices=(0, 1, 2, 3)).eval()
    maps = model(torch.randn(1, 3, 64, 64), width)
    sizes = [(1, int(count * width), 64 // stride, 64 // stride) for count, stride in zip(channels, (4, 8, 16, 32))]
    assert [tuple(each.shape) for each in maps] == sizes


def count_at(model, width):
    """Parameters that a width uses: its part of every shared weight, and its own normalisation."""
    total = 0
    for module in model.modules():
        if isinstance(module, SlimmableConv2d):
            index = module.width_index(width)
            total += module.weight[module.out_ranges[index], module.in_ranges[index]].numel()
        elif isinstance(module, SwitchableBatchNorm2d):
            total += sum(p.numel() for p in module.bn[module.width_index(width)].parameters())
    return total


# Parameters and multiply-accumulates at 224 pixels with a linear layer of 1000 classes, counted by hand from the
# layer table of ResNet-50.
RESNET50 = [(1.0, 25_557_032, 4.089), (0.75, 14_771_992, 2.323), (0.5, 6_917_640, 1.052), (0.25, 1_993_976, 0.278)]


@pytest.fixture(scope='module')
def resnet50():
    return SlimmableResNet(50, WIDTHS).eval()


@pytest.mark.parametrize('width, parameters, macs', RESNET50)
def test_size_and_cost_of_each_width_of_resnet50(resnet50, width, parameters, macs):
    classifier = int(2048 * width) * 1000 + 1000
    assert count_at(resnet50, width) + classifier == parameters
    with use_width(resnet50, width), torch.no_grad():
        info = get_model_complexity_info(resnet50, inputs=(torch.randn(1, 3, 224, 224),), show_table=False)
    # The counter adds normalisation and pooling (under 3 %) to convolutions; masked channels would give full cost.
    assert info['flops'] / 1e9 == pytest.approx(macs, rel=0.03)


def test_all_widths_share_the_weights_of_resnet50(resnet50):
    assert sum(p.numel() for p in resnet50.parameters()) == 23_587_712


@pytest.mark.parametrize('depth', [18, 50])
def test_full_width_equals_an_ordinary_resnet_with_its_weights(depth):
    ordinary_type = pytest.importorskip('mmdet.models').ResNet
    ordinary = ordinary_type(depth, base_channels=16, norm_eval=False, out_indices=(0, 1, 2, 3))
    ordinary.eval()  # returns None in mmdet
    for module in ordinary.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.running_mean)
    model = SlimmableResNet(depth, WIDTHS, base_channels=16, out_indices=(0, 1, 2, 3)).eval()
    missing, unexpected = model.load_state_dict(ordinary.state_dict(), strict=True)
    assert not missing and not unexpected
    images = torch.randn(2, 3, 32, 32)
    for ours, theirs in zip(model(images), ordinary(images)):
        torch.testing.assert_close(ours, theirs)
    # Every other width starts from the leading part of the same normalisation.
    assert torch.equal(model.bn1.bn[3].weight, ordinary.bn1.weight[:4])


def test_odd_width_keeps_all_layers_in_agreement():
    model = SlimmableResNet(50, (1.0, 0.3), stage_blocks=(1, 1))
    assert model.conv1.out_counts[1] == 19
    assert model.layer1[0].conv2.out_counts[1] == 19  # int(256 * 0.3) // 4 = 76 // 4
    assert model(torch.randn(2, 3, 32, 32), 0.3)[0].shape[1] == int(512 * 0.3)


def test_last_normalisation_of_each_branch_starts_at_zero_for_every_width():
    model = SlimmableResNet(50, WIDTHS, base_channels=8)
    blocks = [block for stage in model.stages for block in stage]
    assert len(blocks) == 16
    assert all((norm.weight == 0).all() for block in blocks for norm in block.bn3.bn)
    assert all((norm.weight == 1).all() for block in blocks for norm in block.bn2.bn)


def test_padded_outputs_serve_one_neck():
    model = small(out_indices=(0, 1), pad_outputs=True).eval()
    plain = small(out_indices=(0, 1)).eval()
    plain.load_state_dict(model.state_dict())
    images = torch.randn(1, 3, 8, 8)
    for padded, narrow in zip(model(images, 0.25), plain(images, 0.25)):
        assert torch.equal(padded[:, : narrow.size(1)], narrow)
        assert not padded[:, narrow.size(1) :].any()
    assert [maps.size(1) for maps in model(images, 0.25)] == [8, 16]


def test_default_width_makes_it_an_ordinary_backbone():
    model = small(default_width=0.5)
    assert model(torch.randn(2, 3, 8, 8))[0].shape[1] == 8
    set_width(model, 0.25)
    assert model(torch.randn(2, 3, 8, 8))[0].shape[1] == 4


def test_one_map_without_its_tuple():
    images, model, bare = torch.randn(2, 3, 8, 8), small().eval(), small(as_tuple=False).eval()
    bare.load_state_dict(model.state_dict())
    (maps,) = model(images, 0.5)
    assert torch.equal(bare(images, 0.5), maps)


def test_gradients_reach_every_parameter_when_all_widths_run():
    model = small(zero_init_residual=False)
    sum(model(torch.randn(4, 3, 8, 8), width)[0].square().mean() for width in WIDTHS).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_train_and_eval_differ_and_norm_eval_freezes_statistics():
    images = torch.randn(4, 3, 8, 8) * 3
    model = small(zero_init_residual=False)
    assert not torch.allclose(model(images)[0], model.eval()(images)[0])
    frozen = small(norm_eval=True).train()
    before = copy.deepcopy(frozen.state_dict())
    frozen(images, 0.5)
    assert all(torch.equal(value, before[name]) for name, value in frozen.state_dict().items())


def test_frozen_stages_have_no_gradient_and_stay_in_eval_mode():
    model = small(frozen_stages=1).train()
    assert not any(p.requires_grad for p in [*model.conv1.parameters(), *model.layer1.parameters()])
    assert all(p.requires_grad for p in model.layer2.parameters())
    assert not model.layer1.training and model.layer2.training


def test_recomputed_blocks_give_the_same_gradients():
    plain, saving = small(zero_init_residual=False), small(with_cp=True)
    saving.load_state_dict(plain.state_dict())
    images = torch.randn(4, 3, 8, 8)
    for model in (plain, saving):
        model(images, 0.5)[0].square().sum().backward()
    for ours, theirs in zip(plain.parameters(), saving.parameters()):
        if ours.grad is not None:
            torch.testing.assert_close(ours.grad, theirs.grad)


def test_shared_statistics_break_narrow_widths_in_eval_mode():
    """Why normalisation is switchable: after training passes at two widths, only own statistics fit each width."""
    torch.manual_seed(0)
    images = torch.randn(64, 3, 8, 8) + 1

    def error(switchable):
        model = small(widths=(1.0, 0.25), switchable_bn=switchable, zero_init_residual=False)
        with torch.no_grad():
            for _ in range(60):
                model(images, 1.0)
                trained = model(images, 0.25)[0]
            return (model.eval()(images, 0.25)[0] - trained).abs().mean() / trained.abs().mean()

    assert error(switchable=True) < 0.02
    assert error(switchable=False) > 0.2


def test_disjoint_weights_run_at_every_width():
    model = small(widths=(1.0, 0.5, 0.25), overlap_weight=False)
    assert [model(torch.randn(2, 3, 8, 8), w)[0].shape[1] for w in model.widths] == [16, 8, 4]
    with pytest.raises(ValueError, match='disjoint'):
        small(overlap_weight=False)


@pytest.mark.parametrize(
    'arguments, message',
    [
        (dict(depth=17), '17'),
        (dict(out_indices=(4,)), '4'),
        (dict(out_indices=(0, 1), as_tuple=False), r'as_tuple=False returns one map; out_indices \(0, 1\)'),
        (dict(stem='large'), 'large'),
        (dict(frozen_stages=5), '5'),
        (dict(strides=(1,)), 'strides'),
        (dict(norm_cfg=dict(type='GN')), 'GN'),
        (dict(base_channels=2), 'stem: width 0.25'),
        (dict(default_width=0.6), '0.6'),
    ],
)
def test_wrong_arguments_are_refused_by_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        small(**arguments)


def test_backbone_runs_in_bfloat16():
    model = small().eval()
    images = torch.randn(2, 3, 8, 8)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert model(images, 0.5)[0].isfinite().all()


@pytest.mark.slow
def test_compiled_backbone_equals_the_plain_one():
    model = small().eval()
    compiled = torch.compile(model, backend='aot_eager')
    images = torch.randn(2, 3, 8, 8)
    for width in (1.0, 0.25):
        torch.testing.assert_close(compiled(images, width)[0], model(images, width)[0])


def test_channels_innermost_change_the_layout_and_not_the_result():
    plain = small(zero_init_residual=False)
    innermost = small(zero_init_residual=False, channels_last=True)
    innermost.load_state_dict(plain.state_dict())
    inputs = torch.randn(2, 3, 16, 16)
    for width in WIDTHS:
        expected, result = plain(inputs, width)[0], innermost(inputs, width)[0]
        assert result.is_contiguous(memory_format=torch.channels_last) and expected.is_contiguous()
        torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-5)
        factors = torch.randn_like(expected)
        (factors * expected).sum().backward()
        (factors * result).sum().backward()
    for (name, one), other in zip(plain.named_parameters(), innermost.parameters()):
        torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-3, msg=name)
