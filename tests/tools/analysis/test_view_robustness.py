import json

import pytest
import torch
from mmengine.registry import MODELS, init_default_scope

from tests.helpers.tiny_configs import ROOT
from tests.helpers.tools import mistake
from tools.analysis import view_robustness
from vlplugins.utils.cli import load_config

pytest.importorskip('mmaction')


def config(tmp_path, name):
    data = str(tmp_path / 'set') + '/'
    path = tmp_path / f'{name}.py'
    path.write_text(
        f"""
_base_ = [{str(ROOT / 'configs/afe_cnn' / f'{name}.py')!r}]
synthetic_data = dict(root={data!r}, num_train=8, num_test=16)
train_dataloader = dict(dataset=dict(ann_file={data + 'ntu_3d.pkl'!r}))
val_dataloader = dict(dataset=dict(ann_file={data + 'ntu_3d.pkl'!r}))
test_dataloader = dict(dataset=dict(ann_file={data + 'ntu_3d.pkl'!r}))
"""
    )
    init_default_scope('vlplugins')
    torch.manual_seed(1)
    weights = tmp_path / f'{name}.pth'
    torch.save(dict(state_dict=MODELS.build(load_config(str(path)).model).state_dict(), meta={}), weights)
    return f'{name}={path}:{weights}'


def test_normalised_model_is_as_good_from_every_side(tmp_path, capsys):
    models = [config(tmp_path, name) for name in ('afe-cnn_demo', 'afe-cnn_demo-no-view')]
    out = tmp_path / 'out'
    view_robustness.main(['--models', *models, '--angles', '0', '120', '--sizes', '1', '3', '--out-dir', str(out)])
    full, _ = json.loads((out / 'robustness.json').read_text())
    # Random weights: what counts is that a turn and a factor change nothing.
    assert full['angles']['0'] == full['angles']['120'] == full['sizes']['3']
    assert (out / 'robustness.png').is_file() and 'afe-cnn_demo-no-view' in capsys.readouterr().out


def test_mistakes_are_told(capsys, tmp_path):
    assert 'NAME=CONFIG:CHECKPOINT' in mistake(capsys, view_robustness, '--models', 'x.py')
    demo = ROOT / 'configs/afe_cnn/afe-cnn_demo.py'
    assert 'no such checkpoint' in mistake(capsys, view_robustness, '--models', f'a={demo}:{tmp_path}/none.pth')
