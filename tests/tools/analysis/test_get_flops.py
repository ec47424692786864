import pytest

from tests.helpers.tiny_configs import ROOT, write_slimclr_config
from tests.helpers.tools import mistake
from tools.analysis import get_flops


def rows(capsys):
    """Cells of the printed table that begin with a number."""
    lines = [line.replace('┃', '│').split('│') for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in line[1:-1]] for line in lines if len(line) > 2]
    return [line for line in cells if line[1][:1].isdigit()]


def test_widths_of_a_network_counted_by_hand(tmp_path, capsys):
    """Stem 1 -> 8 channels, two stages of one basic block (8, 16 channels), on 8 x 8 pixels."""
    get_flops.main([str(write_slimclr_config(tmp_path)), '--shape', '1', '8', '8'])
    full, half = rows(capsys)

    def count(c):
        convolutions = 9 * c + 2 * 9 * c * c + (9 * c * 2 * c + 9 * 4 * c * c + c * 2 * c)
        return convolutions + 2 * (c + 2 * c + 3 * 2 * c)

    assert [full[0], full[1]] == ['w1.00', f'{count(8):,}'] and [half[0], half[1]] == ['w0.50', f'{count(4):,}']
    assert full[3] == '100.0%' and 20 < float(half[3][:-1]) < 40


def test_some_widths_and_another_part(tmp_path, capsys):
    config = str(write_slimclr_config(tmp_path))
    get_flops.main([config, '--shape', '1', '8', '8', '--width', '0.5'])
    (row,) = rows(capsys)
    assert row[0] == 'w0.50'


def test_backbone_of_an_ordinary_model_is_one_row(capsys):
    config = ROOT / 'configs/slimclr/mask-rcnn_slimclr-resnet50_fpn_1x_coco.py'
    changes = ['model.backbone.norm_cfg.type=BN', 'model.backbone.depth=18', 'model.backbone.init_cfg=None']
    get_flops.main([str(config), '--shape', '3', '64', '64', '--width', '1.0', '--cfg-options', *changes])
    (row,) = rows(capsys)
    # The parameters of ResNet-18 without its classifier.
    assert row[1] == '11,176,512'


def test_mistakes_are_told(tmp_path, capsys):
    config = write_slimclr_config(tmp_path)
    assert 'no such config: x.py' in mistake(capsys, get_flops, 'x.py')
    assert "['" in mistake(capsys, get_flops, config, '--module', 'backbne')
    assert 'the model has [1.0, 0.5]' in mistake(capsys, get_flops, config, '--shape', 1, 8, 8, '--width', 0.3)
    message = mistake(capsys, get_flops, config, '--shape', 3, 8, 8)
    assert '(3, 8, 8)' in message


@pytest.mark.parametrize('shape', [['8', '8'], ['1', '0', '8']])
def test_shapes_that_no_image_has_are_told(tmp_path, capsys, shape):
    assert '--shape' in mistake(capsys, get_flops, write_slimclr_config(tmp_path), '--shape', *shape)
