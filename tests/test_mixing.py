"""Every config of configs/mixing trains through tools/train.py, and what it mixes in takes part."""

import json

import pytest
from mmengine.config import Config

from tests.helpers.runs import forget_runs
from tests.helpers.tiny_configs import ROOT
from tests.helpers.trained_configs import EACH_STEP, assert_sound, epochs, run
from tools import train

MIXING = ROOT / 'configs' / 'mixing'
pytestmark = pytest.mark.usefixtures('inside_shared_folder')
# A few steps of 4 + 4 images; after these no score reaches the usual threshold.
ADAPTED = ['synthetic_data.num_source=16', 'synthetic_data.num_target=8', 'synthetic_data.num_test=4']


def test_slimmable_network_learns_actions_from_skeleton_images_at_two_widths(tmp_path):
    metrics, records, state = run(MIXING / 'skeleton-images_slimmable-resnet18.py', tmp_path, *epochs(5))
    for width in ('w1.00', 'w0.50'):
        assert_sound(records, 5, f'{width}/loss')
        # Four classes; 32 clips at chance have a deviation of 8 points.
        assert metrics[f'{width}/acc/top1'] > 0.6
    assert state['backbone.conv1.weight'].shape == (16, 24, 3, 3)


def test_detector_of_vdd_adapts_on_half_of_a_slimmable_backbone(tmp_path):
    options = [*EACH_STEP, *ADAPTED, 'log_processor.window_size=1', 'model.test_cfg.rcnn.score_thr=0.0']
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


def test_graph_network_of_mmaction2_learns_from_key_frames_in_body_coordinates(tmp_path):
    metrics, records, _ = run(MIXING / 'stgcn_body-frame_key-frames.py', tmp_path, *epochs(8))
    assert_sound(records, 8)
    assert metrics['acc/top1'] > 0.6


def test_graph_network_of_mmaction2_learns_with_attention_behind_it(tmp_path):
    metrics, records, state = run(MIXING / 'stgcn_joint-time-attention.py', tmp_path, *epochs(10))
    assert_sound(records, 10)
    assert metrics['acc/top1'] > 0.6
    assert state['backbone.layers.0.0.squeeze.1.running_mean'].abs().sum() > 0


def test_recogniser_of_mmaction2_learns_on_a_branch_of_dcin(tmp_path):
    metrics, records, state = run(MIXING / 'dcin-branch_skeleton-actions.py', tmp_path, *epochs(10))
    assert_sound(records, 10)
    assert metrics['acc/top1'] > 0.6
    assert state['backbone.branch.fine.granularity_embed'].shape == (4, 32)


def test_emotions_are_localised_on_the_graph_layer_of_visa(tmp_path):
    schedule = ['param_scheduler.0.end=1', 'param_scheduler.1.begin=1', 'param_scheduler.1.T_max=2']
    metrics, records, state = run(MIXING / 'dcin_graph-stream.py', tmp_path, *epochs(3), *schedule)
    assert_sound(records, 3)
    # Three of ten epochs.
    assert metrics['tel/line_mAP'] > metrics['tel/chance/line_mAP'] + 5
    assert state['branches.text.coarse.layers.3.role_embed'].shape == (3, 48)


def test_model_of_tel_learns_on_edges_that_it_chooses(tmp_path):
    schedule = ['param_scheduler.0.end=1', 'param_scheduler.1.begin=1', 'param_scheduler.1.T_max=1']
    few = ['train_dataloader.dataset.indices=96', 'val_dataloader.dataset.indices=32']
    metrics, records, state = run(MIXING / 'dcin_sparse-graph-stream.py', tmp_path, *epochs(2), *schedule, *few)
    assert_sound(records, 2)
    assert 0 <= metrics['tel/line_mAP'] <= 100
    assert state['branches.text.coarse.layers.3.role_embed'].shape == (3, 48)


def test_recogniser_of_mmaction2_trains_on_the_video_tower(tmp_path):
    small = ['synthetic_data.num_train=64', 'synthetic_data.num_test=20']
    metrics, records, state = run(MIXING / 'recognizer3d_token-clustering.py', tmp_path, *EACH_STEP, *small)
    assert_sound(records, 2)
    assert 0 <= metrics['acc/top1'] <= 1
    assert state['cls_head.fc_cls.weight'].shape == (12, 3 * 64)


def test_pose_lifter_of_mmpose_learns_from_generated_poses(tmp_path):
    metrics, records, _ = run(MIXING / 'pose-lifter_generated-poses.py', tmp_path, *epochs(5))
    assert_sound(records, 10)
    # In metres; the mean training pose has 0.32.
    assert 0 < metrics['MPJPE'] < 0.25


def test_config_of_mmposes_scope_learns_from_the_generator(tmp_path):
    schedule = ['param_scheduler.0.T_max=6']
    metrics, records, _ = run(MIXING / 'mmpose-scope_generated-poses.py', tmp_path, *epochs(6), *schedule)
    assert_sound(records, 12)
    # In metres, on people whom no seed shows; the mean pose of the training people has 0.20.
    assert 0 < metrics['P-MPJPE'] <= metrics['MPJPE'] < 0.17
    (dumped,) = tmp_path.glob('*.py')
    cfg = Config.fromfile(dumped)
    assert cfg.default_scope == 'mmpose' and cfg.model.type == 'PoseLifter'


def test_faster_rcnn_on_invariant_maps_trains_in_two_stages(tmp_path):
    options = [*EACH_STEP, *ADAPTED, 'log_processor.window_size=1', 'model.detector.test_cfg.rcnn.score_thr=0.0']
    metrics, records, state = run(MIXING / 'faster-rcnn_decomposition-neck.py', tmp_path, *options)
    assert_sound(records, 4, 's1.loss')
    assert_sound(records, 4, 's2.loss_orth_target')
    assert all(record['s1.loss_rpn_cls'] > 0 and 's1.loss_orth_source' not in record for record in records)
    assert any(key.endswith('AP50') and 0 <= value <= 1 for key, value in metrics.items()), metrics
    assert state['detector.neck.extractors.0.layers.0.weight'].shape == (16, 32, 3, 3)


def test_one_stage_detector_on_invariant_maps_trains_with_one_optimizer(tmp_path):
    options = [*EACH_STEP, *ADAPTED, 'log_processor.window_size=1', 'model.detector.test_cfg.score_thr=0.0']
    metrics, records, state = run(MIXING / 'retinanet_decomposition-neck.py', tmp_path, *options)
    assert_sound(records, 4)
    for name in ('loss_cls', 'loss_domain_base_target', 'loss_domain_specific_source', 'loss_orth_target'):
        assert_sound(records, 4, name)
    assert any(key.endswith('AP50') and 0 <= value <= 1 for key, value in metrics.items()), metrics
    assert sum(key.endswith('layers.0.weight') for key in state) == 5


def test_detector_of_mmdet_learns_from_two_sizes_by_turns(tmp_path):
    """The loops of UTT: each size has its batches, its losses and its metrics."""
    forget_runs()
    options = ['train_cfg.max_iters=6', 'train_cfg.val_interval=6', 'default_hooks.checkpoint.interval=6']
    options += ['synthetic_data.num_train=32', 'synthetic_data.num_val=8', 'default_hooks.logger.interval=1']
    config, out = MIXING / 'faster-rcnn_alternating-sizes.py', tmp_path / 'metrics.json'
    train.main([str(config), '--work-dir', str(tmp_path), '--out', str(out), '--cfg-options', *options])
    (log,) = tmp_path.glob('*/vis_data/scalars.json')
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert_sound([each for each in records if 'large/loss' in each], 6, 'large/loss')
    assert 'small/loss' not in records[0] and 'small/loss' in records[1]
    assert {key.split('/')[0] for key in json.loads(out.read_text())} == {'large', 'small'}


def test_regions_of_loupe_are_learned_on_a_resnet_of_mmdet(tmp_path):
    pytest.importorskip('mmdet')
    games = [
        'custom_hooks.1.begin=0',
        'custom_hooks.2.begin=0',
        'param_scheduler.1.begin=0',
        'param_scheduler.1.T_max=1',
    ]
    small = ['synthetic_data.num_train=16', 'synthetic_data.num_test=10', 'train_dataloader.batch_size=8']
    metrics, records, state = run(MIXING / 'loupe_mmdet-resnet.py', tmp_path, *EACH_STEP, *small, *games)
    for name in ('loss', 'loss_tsa', 'loss_fsa'):
        assert_sound(records, 2, name)
    assert 0 <= metrics['grounding/acc@0.5'] <= 100 and 0 <= metrics['i2t/R@1'] <= 100
    assert state['image_backbone.layer3.0.bn1.running_mean'].abs().sum() > 0
