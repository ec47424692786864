import pytest
import torch

from tests.helpers.tools import mistake
from tools.model_converters import merge_skeleton_streams as tool
from vlplugins.models.backbones import AFECNN
from vlplugins.models.heads import SkeletonFusionHead

pytest.importorskip('mmaction')


class Model(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.backbone = AFECNN(channels, (8, 16)).eval()
        self.cls_head = SkeletonFusionHead(4, 16, len(channels))

    def forward(self, x):
        return self.cls_head(self.backbone(x))


def test_merged_model_is_the_mean_of_its_streams_and_splits_again(tmp_path, capsys):
    single = [Model((channels,)) for channels in (4, 2)]
    paths = []
    for index, model in enumerate(single):
        paths.append(str(tmp_path / f'{index}.pth'))
        torch.save(dict(state_dict=model.state_dict()), paths[-1])
    tool.main([*paths, '--out', str(tmp_path / 'merged.pth')])
    assert ', 0 unused' in capsys.readouterr().out
    merged = Model((4, 2))
    merged.load_state_dict(torch.load(tmp_path / 'merged.pth')['state_dict'], strict=True)
    x = torch.randn(3, 1, 6, 16, 10)
    expected = (single[0](x[:, :, :4]).exp() + single[1](x[:, :, 4:]).exp()) / 2
    torch.testing.assert_close(merged(x).exp(), expected)
    tool.main([str(tmp_path / 'merged.pth'), '--out', str(tmp_path / 'parts'), '--split'])
    for index, model in enumerate(single):
        state = torch.load(tmp_path / 'parts' / f'stream{index}.pth')['state_dict']
        assert state.keys() == model.state_dict().keys()
        assert all(torch.equal(value, model.state_dict()[key]) for key, value in state.items())


def test_mistakes_are_told(tmp_path, capsys):
    both, strange = tmp_path / 'both.pth', tmp_path / 'strange.pth'
    torch.save(dict(state_dict=Model((4, 2)).state_dict()), both)
    torch.save({'fc.weight': torch.zeros(2)}, strange)
    other = tmp_path / 'other.pth'
    model = Model((4,))
    model.backbone = AFECNN((4,), (8,))
    torch.save(model.state_dict(), other)
    one = tmp_path / 'one.pth'
    torch.save(Model((4,)).state_dict(), one)
    out = ['--out', tmp_path / 'x.pth']
    assert 'more than one stream' in mistake(capsys, tool, both, *out)
    assert 'belong to no stream' in mistake(capsys, tool, strange, *out)
    assert 'lacks or adds' in mistake(capsys, tool, one, other, *out)
    assert 'takes one checkpoint' in mistake(capsys, tool, one, one, *out, '--split')
