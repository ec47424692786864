import json
import pickle
import subprocess

import pytest
import torch

from tests.helpers.tiny_configs import ROOT
from tests.helpers.tools import mistake
from tools import test, train
from tools.analysis import cross_validate
from vlplugins.datasets.synthetic import SyntheticUTKinect

pytest.importorskip('mmaction')
_TEMPLATE = """
_base_ = [{base!r}]
ann_file = {data!r} + '/utkinect_3d.pkl'
synthetic_data = dict(type='SyntheticUTKinect', root={data!r}, subjects=2, takes=1)
model = dict(backbone=dict(widths=(8,)), cls_head=dict(in_channels=8))
train_dataloader = dict(num_workers=0, dataset=dict(ann_file=ann_file))
val_dataloader = dict(num_workers=0, dataset=dict(ann_file=ann_file))
test_dataloader = val_dataloader
param_scheduler = []
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1))
"""


@pytest.fixture
def config(tmp_path):
    data = str(tmp_path / 'set')
    path = tmp_path / 'tiny.py'
    base = str(ROOT / 'configs/afe_cnn/afe-cnn-s_1xb16-100e_utkinect-loso.py')
    path.write_text(_TEMPLATE.format(base=base, data=data))
    SyntheticUTKinect(data, subjects=2, takes=1).prepare()
    return path


def call_here(command, log):
    """In this process: another one would import everything again."""
    log.parent.mkdir(parents=True, exist_ok=True)
    {'tools/train.py': train, 'tools/test.py': test}[command[1]].main(command[2:])


def test_folds_are_pooled_and_not_run_again(config, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cross_validate, '_call', call_here)
    out = tmp_path / 'runs'
    cross_validate.main([str(config), '--protocol', 'losubo', '--folds', '0', '--work-dir', str(out)])
    assert 'over 1 folds' in capsys.readouterr().out
    # The other fold is done already: five of its ten clips were right.
    names = [f's02_e01_{number}' for number in range(10)]
    records = [
        dict(frame_dir=name, pred_score=torch.eye(10)[0], gt_label=torch.tensor([index % 2]))
        for index, name in enumerate(names)
    ]
    (out / 'losubo_01').mkdir()
    (out / 'losubo_01/predictions.pkl').write_bytes(pickle.dumps(records))
    monkeypatch.setattr(cross_validate.subprocess, 'run', None)
    cross_validate.main([str(config), '--protocol', 'losubo', '--work-dir', str(out)])
    report = json.loads((out / 'losubo.json').read_text())
    assert report['records'] == 20 and report['folds'] == 2 and report['fold_names'] == ['losubo_00', 'losubo_01']
    assert 'of 20 records' in capsys.readouterr().out
    tested = [cross_validate.read_fold(out / fold / 'predictions.pkl')['names'] for fold in report['fold_names']]
    assert {name[:3] for name in tested[0]} == {'s01'} and tested[1] == names
    right = cross_validate.read_fold(out / 'losubo_00/predictions.pkl')
    hits = sum(one == other for one, other in zip(right['predictions'], right['labels']))
    assert report['micro'] == pytest.approx(100 * (hits + 5) / 20)


def test_mistakes_are_told(config, tmp_path, capsys, monkeypatch):
    message = mistake(capsys, cross_validate, config, '--protocol', 'xsub')
    assert "no protocol 'xsub'; it has ['half', 'loo', 'loso', 'losubo']" in message
    assert 'loso has 0 to 1' in mistake(capsys, cross_validate, config, '--folds', '7')

    def fail(command, stdout, **kwargs):
        stdout.write('no memory left')
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(cross_validate.subprocess, 'run', fail)
    message = mistake(capsys, cross_validate, config, '--work-dir', tmp_path / 'x', '--folds', '0')
    assert 'train.py failed' in message and 'no memory left' in message
