import json

import cv2
import pytest

from tests.helpers.tiny_configs import write_slimclr_config
from tests.helpers.tools import mistake
from tools import train
from tools.analysis import gradient_imbalance


def record(step, part, rest):
    return dict(step=step, widths=[1.0, 0.25], norm=[5.0, part], rest=[0.0, rest], singular_values=[2.0, 1.0])


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / 'run/x/vis_data'
    folder.mkdir(parents=True)
    lines = [record(1, 4.0, 3.0), record(2, 2.0, 3.0), record(2, 1.0, 3.0)]
    (folder / 'gradient_imbalance.jsonl').write_text(''.join(json.dumps(line) + '\n' for line in lines))
    return str(tmp_path / 'run')


def test_ratios_by_hand(run):
    ratios = gradient_imbalance.read_ratios(run, 0.25)
    assert ratios['step'] == [1, 2] and ratios['full'] == [1.25, 5.0] and ratios['rest'] == [0.75, 3.0]


def test_figure_and_closing_line(run, tmp_path, capsys):
    out = tmp_path / 'new/figure.png'
    gradient_imbalance.main([run, run, '--legend', 'a', 'b', '--out', str(out)])
    text = capsys.readouterr().out
    assert 'a: rest / part of width 0.25 = 3.00' in text and 'b: rest' in text
    assert cv2.imread(str(out)).shape[1] == 1200


def test_reads_what_the_hook_writes(tmp_path, capsys):
    hook = "\ncustom_hooks = [dict(type='GradientImbalanceHook', interval=2, widths=(1.0, 0.5))]\n"
    hook += 'val_dataloader = val_evaluator = val_cfg = None\n'
    config = write_slimclr_config(tmp_path, epochs=1, extra=hook)
    train.main([str(config), '--work-dir', str(tmp_path / 'work')])
    capsys.readouterr()
    gradient_imbalance.main([str(tmp_path / 'work'), '--width', '0.5', '--out', str(tmp_path / 'x.png')])
    assert 'rest / part of width 0.5' in capsys.readouterr().out


def test_mistakes_are_told(run, tmp_path, capsys):
    assert 'train with the hook' in mistake(capsys, gradient_imbalance, tmp_path / 'nothing')
    assert 'not of 0.3' in mistake(capsys, gradient_imbalance, run, '--width', 0.3)
    assert '--legend has 2 names' in mistake(capsys, gradient_imbalance, run, '--legend', 'a', 'b')
    assert 'same name' in mistake(capsys, gradient_imbalance, run, run)
    for content in ('{"step": 1', '{"step": 1}\n', '7\n'):
        (tmp_path / 'cut.jsonl').write_text(content)
        assert 'cut.jsonl, line 1' in mistake(capsys, gradient_imbalance, tmp_path / 'cut.jsonl')
    (tmp_path / 'empty.jsonl').write_text('')
    assert 'no records' in mistake(capsys, gradient_imbalance, tmp_path / 'empty.jsonl')
