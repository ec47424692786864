import numpy as np
import pytest
import torch

from tests.helpers.records import refused
from vlplugins.datasets.transforms.pose_lifting import (
    PackLiftingInputs,
    ProjectLiftingTarget,
    ScreenNormalize,
    SelectJoints,
)


def test_the_width_spans_two_and_the_aspect_is_kept():
    results = dict(keypoints=np.array([[[0.0, 0.0], [1000.0, 1002.0], [500.0, 501.0]]]), image_size=(1000, 1002))
    screen = ScreenNormalize()(results)['keypoints']
    np.testing.assert_allclose(screen[0], [[-1, -1.002], [1, 1.002], [0, 0]], atol=1e-6)
    camera = dict(keypoints=results['keypoints'], camera_param=dict(w=1000, h=1002))
    assert ScreenNormalize()(camera)['image_size'] == (1000.0, 1002.0)
    with pytest.raises(ValueError, match='file, pose 3.*image_size'):
        ScreenNormalize()(dict(keypoints=results['keypoints'], source='file, pose 3'))


def test_joints_are_selected_in_both_poses():
    rng = np.random.default_rng(0)
    results = dict(
        keypoints=rng.normal(size=(1, 17, 2)),
        lifting_target=rng.normal(size=(1, 17, 3)),
        keypoints_visible=np.linspace(0, 1, 17)[None],
    )
    made = SelectJoints()(dict(results))
    for key in ('keypoints', 'lifting_target', 'keypoints_visible'):
        np.testing.assert_allclose(made[key], np.delete(results[key], 9, axis=1))
    assert len(made['flip_indices']) == 16
    with refused('16 joints'):
        SelectJoints()(made)


def test_projection_replaces_the_2d_pose():
    camera = dict(
        f=np.array([[1000.0], [1100.0]]), c=np.array([[500.0], [510.0]]), k=np.zeros((3, 1)), p=np.zeros((2, 1))
    )
    target = np.array([[[0.5, -0.25, 5.0]] * 16])
    results = ProjectLiftingTarget()(dict(lifting_target=target, camera_param=camera))
    np.testing.assert_allclose(results['keypoints'][0, 0], [600, 455])
    with pytest.raises(ValueError, match='camera_param'):
        ProjectLiftingTarget()(dict(lifting_target=target))


def test_packing():
    target = np.random.default_rng(0).normal(size=(1, 16, 3)).astype(np.float32)
    packed = PackLiftingInputs()(
        dict(keypoints=np.ones((1, 16, 2)), lifting_target=target, camera=np.arange(9.0), action='Walking', weight=2.5)
    )
    sample = packed['data_samples']
    assert packed['inputs'].shape == (16, 2) and packed['inputs'].dtype == torch.float32
    np.testing.assert_allclose(sample.gt_keypoints_3d, target[0] - target[0, 0])
    assert sample.action == 'Walking' and float(sample.weight) == 2.5 and not bool(sample.is_generated)
    bare = PackLiftingInputs()(dict(keypoints=np.ones((1, 16, 2))))['data_samples']
    assert 'gt_keypoints_3d' not in bare and float(bare.weight) == 1
