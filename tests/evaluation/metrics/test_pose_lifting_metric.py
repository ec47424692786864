import numpy as np
import pytest
import torch

from tests.helpers.poses import pose_of, random_angles, rest_clavicles
from tests.helpers.processes import run_distributed
from vlplugins.evaluation.metrics.pose_lifting_metric import PoseDiversityMetric, PoseLiftingMetric


def samples(count=6, dataset='one', error=0.01, start=0):
    rng = np.random.default_rng(0)
    made = []
    for index in range(start, start + count):
        target = torch.from_numpy(rng.normal(size=(16, 3))).float()
        target -= target[0].clone()
        predicted = target.clone()
        predicted[5, 0] += error * (index + 1)
        made.append(
            dict(
                pred_keypoints_3d=predicted + 7.0,
                gt_keypoints_3d=target,
                sample_idx=index,
                dataset=dataset,
                action='Walking' if index < 4 else 'Sitting',
            )
        )
    return made


def evaluate(metric, batches):
    for batch in batches:
        metric.process(None, batch)
    return metric.evaluate(sum(map(len, batches)))


def test_values_by_hand_and_the_root_is_subtracted():
    found = evaluate(PoseLiftingMetric(by_action=True), [samples()[:4], samples()[4:]])
    # 10, 20, ..., 60 mm at one joint of 16.
    assert found['MPJPE'] == pytest.approx(35 / 16, abs=1e-3)
    assert found['MPJPE_action_avg'] == pytest.approx((25 + 55) / 2 / 16, abs=1e-3)
    # The alignment makes squares small, not distances: a single outlier is spread over all joints.
    assert found['PCK'] == 100 and 0 < found['PA-MPJPE'] < 10
    without = evaluate(PoseLiftingMetric(exclude_root=True, metrics=['mpjpe']), [samples()])
    assert without == dict(MPJPE=pytest.approx(35 / 15, abs=1e-3))
    chosen = evaluate(PoseLiftingMetric(eval_joints=[5], metrics=['mpjpe', 'pck'], thr=35), [samples()])
    assert chosen['MPJPE'] == pytest.approx(35, abs=1e-2) and chosen['PCK'] == pytest.approx(50)


def test_data_sets_have_metrics_of_their_own_and_repeated_samples_count_once():
    batches = [samples(4), samples(2, 'two', 0.1), samples(4)[-1:]]
    found = evaluate(PoseLiftingMetric(metrics=['mpjpe']), batches)
    assert found == {'one/MPJPE': pytest.approx(25 / 16, abs=1e-3), 'two/MPJPE': pytest.approx(150 / 16, abs=1e-2)}
    only = evaluate(PoseLiftingMetric(metrics=['mpjpe'], datasets=['two']), batches)
    assert only == dict(MPJPE=pytest.approx(150 / 16, abs=1e-2))


def in_two_processes(rank, world_size):
    metric = PoseLiftingMetric()
    mine = samples(7)[rank::world_size]
    # The sampler repeats a sample to fill the last share.
    metric.process(None, mine + (samples(7)[:1] if rank == 1 else []))
    return metric.evaluate(8 if world_size > 1 else 7)


def test_two_processes_equal_one():
    alone = in_two_processes(0, 1)
    for found in run_distributed(in_two_processes):
        assert found == {key: pytest.approx(value) for key, value in alone.items()}


def diverse(name, count, spread, seed):
    angles = rest_clavicles(0.3 + spread * (random_angles(count, seed) - 0.3))
    poses = pose_of(angles)
    return [dict(gt_keypoints_3d=pose, sample_idx=index, dataset=name) for index, pose in enumerate(poses)]


def test_diversity_tells_wide_from_narrow_and_does_not_see_heading_and_size():
    narrow, wide = diverse('seeds', 40, 0.2, 0), diverse('generated', 60, 1.0, 1)
    metric = PoseDiversityMetric(['generated', 'seeds'])
    found = evaluate(metric, [narrow, wide])
    assert found['APD_ratio'] == pytest.approx(found['generated/APD'] / found['seeds/APD']) and found['APD_ratio'] > 2
    assert found['generated/coverage'] > found['seeds/coverage']
    assert found['generated/angle_entropy'] > found['seeds/angle_entropy']
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    moved = [dict(each, gt_keypoints_3d=1.3 * each['gt_keypoints_3d'] @ turn) for each in wide]
    again = evaluate(PoseDiversityMetric(['generated', 'seeds']), [narrow, moved])
    assert again['generated/APD'] == pytest.approx(found['generated/APD'], rel=1e-4)


def test_poses_outside_the_limits_are_counted():
    bent = random_angles(10)
    bent[:3, 7, 0] = 0.5
    poses = [dict(gt_keypoints_3d=pose, sample_idx=i) for i, pose in enumerate(pose_of(rest_clavicles(bent)))]
    assert evaluate(PoseDiversityMetric(), [poses])['/invalid_rate'] == pytest.approx(0.3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match='mpjpe'):
        PoseLiftingMetric(metrics=['n-mpjpe'])
    with pytest.raises(ValueError, match='no joint'):
        PoseLiftingMetric(eval_joints=[0], exclude_root=True)
