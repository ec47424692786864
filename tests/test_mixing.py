"""Every config of configs/mixing trains through tools/train.py, and what it mixes in takes part."""

import pytest

from tests.helpers.tiny_configs import ROOT
from tests.helpers.trained_configs import EACH_STEP, assert_sound, epochs, run

MIXING = ROOT / 'configs' / 'mixing'
pytestmark = pytest.mark.usefixtures('inside_shared_folder')


def test_slimmable_network_learns_actions_from_skeleton_images_at_two_widths(tmp_path):
    metrics, records, state = run(MIXING / 'skeleton-images_slimmable-resnet18.py', tmp_path, *epochs(5))
    for width in ('w1.00', 'w0.50'):
        assert_sound(records, 5, f'{width}/loss')
        # Four classes; 32 clips at chance have a deviation of 8 points.
        assert metrics[f'{width}/acc/top1'] > 0.6
    assert state['backbone.conv1.weight'].shape == (16, 24, 3, 3)


def test_detector_of_vdd_adapts_on_half_of_a_slimmable_backbone(tmp_path):
    small = ['synthetic_data.num_source=16', 'synthetic_data.num_target=8', 'synthetic_data.num_test=4']
    options = [*EACH_STEP, *small, 'log_processor.window_size=1', 'model.test_cfg.rcnn.score_thr=0.0']
    metrics, records, state = run(MIXING / 'vdd_slimmable-resnet18.py', tmp_path, *options)
    assert_sound(records, len(records), 's1.loss')
    assert any(key.endswith('AP50') and 0 <= value <= 1 for key, value in metrics.items()), metrics
    # Of the two widths the narrow one alone has seen data.
    moved = [state[f'backbone.bn1.bn.{index}.running_mean'].abs().sum() for index in (0, 1)]
    assert moved[0] == 0 and moved[1] > 0


def test_dropout_of_a_lifter_of_mmpose_fades_along_our_schedule(tmp_path):
    metrics, records, _ = run(MIXING / 'pose-lifter_annealed-dropout.py', tmp_path, *EACH_STEP)
    assert_sound(records, 24)
    values = [record['backbone.dropout.p'] for record in records]
    assert values[0] == pytest.approx(0.25) and values[6] == pytest.approx(0.125) and values[12:] == [0.0] * 12
    assert 0 < metrics['P-MPJPE'] <= metrics['MPJPE'] < 0.5
