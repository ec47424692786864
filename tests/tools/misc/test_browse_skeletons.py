"""tools/misc/browse_dataset.py with sets of skeletons and poses, whose visualizers draw no images."""

import cv2
import numpy as np
import pytest

from tests.helpers.tiny_configs import ROOT
from tools.misc import browse_dataset


@pytest.mark.parametrize(
    'config, package, small',
    [
        ('afe_cnn/afe-cnn_demo.py', 'mmaction', ('num_train=8', 'num_test=8')),
        ('posegu/posegu_demo.py', 'mmpose', ('num_seeds=8', 'turns=2', 'num_test=8', 'num_3dpw=2')),
    ],
)
def test_samples_are_drawn_by_the_visualizer_of_the_config(config, package, small, tmp_path, monkeypatch):
    pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    options = [f'synthetic_data.{each}' for each in small]
    if package == 'mmpose':
        options.append('train_dataloader.dataset.num_seeds=8')
    arguments = [str(ROOT / 'configs' / config), '--out-dir', 'out', '--number', '2', '--cfg-options', *options]
    browse_dataset.main(arguments)
    drawn = [cv2.imread(str(path)) for path in sorted((tmp_path / 'out').glob('train_*.png'))]
    assert len(drawn) == 2 and all(np.ptp(each) > 100 for each in drawn)
    assert drawn[0].shape != drawn[1].shape or not np.array_equal(*drawn)
