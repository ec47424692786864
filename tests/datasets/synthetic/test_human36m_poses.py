import pickle

import cv2
import numpy as np
import pytest

from vlplugins.datasets.synthetic.human36m_poses import _PARENTS, SyntheticHuman36m, world_to_camera


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return SyntheticHuman36m(str(tmp_path_factory.mktemp('h36m') / 'set'), num_frames=20).prepare()


def arrays(root, split):
    return np.load(root / f'annotation_body3d/fps50/h36m_{split}.npz')


def cameras(root):
    return pickle.loads((root / 'annotation_body3d/cameras.pkl').read_bytes())


def test_human36m_dataset_of_mmpose_reads_it(root):
    from mmengine.registry import init_default_scope
    from mmpose.datasets import Human36mDataset

    init_default_scope('mmpose')
    dataset = Human36mDataset(
        data_root=str(root),
        ann_file='annotation_body3d/fps50/h36m_test.npz',
        camera_param_file='annotation_body3d/cameras.pkl',
        seq_len=9,
        causal=False,
        pipeline=[],
    )
    # 2 subjects, 3 actions, 2 takes, 4 cameras, 20 frames, of which each window takes 9.
    assert len(dataset) == 2 * 3 * 2 * 4 * (20 - 8)
    record = dataset.get_data_info(0)
    assert record['keypoints'].shape == (9, 17, 2) and record['lifting_target'].shape == (1, 17, 3)
    assert record['camera_param']['w'] == 1000


def test_pixels_are_the_projection_by_opencv(root):
    """OpenCV has the same model of distortion, with the coefficients in the order k1 k2 p1 p2 k3."""
    data, known = arrays(root, 'train'), cameras(root)
    for index in range(0, len(data['S']), 97):
        name = str(data['imgname'][index]).rsplit('/', 1)[1]
        subject, camera = name.split('_', 1)[0], known[name.split('_', 1)[0], name.split('.')[1].split('_')[0]]
        matrix = np.array(
            [[camera['f'][0, 0], 0, camera['c'][0, 0]], [0, camera['f'][1, 0], camera['c'][1, 0]], [0, 0, 1]]
        )
        points = np.ascontiguousarray(data['S'][index, :, :3])
        k, p = camera['k'][:, 0], camera['p'][:, 0]
        distortion = np.array([k[0], k[1], p[0], p[1], k[2]])
        expected, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, distortion)
        np.testing.assert_allclose(data['part'][index, :, :2], expected[:, 0], atol=1e-6)
        assert subject in ('S1', 'S5', 'S6', 'S7', 'S8')


def test_four_cameras_see_the_same_person(root):
    """Each camera's points, brought back to the world, are the same: X_world = R X_camera + T."""
    data, known = arrays(root, 'test'), cameras(root)
    worlds = []
    for index in range(4):
        at = index * 20 + 7
        name = str(data['imgname'][at]).rsplit('/', 1)[1]
        camera = known['S9', name.split('.')[1].split('_')[0]]
        assert np.allclose(camera['R'] @ camera['R'].T, np.eye(3)) and np.linalg.det(camera['R']) == pytest.approx(1)
        world = data['S'][at, :, :3] @ camera['R'].T + camera['T'][:, 0]
        np.testing.assert_allclose(world_to_camera(world, camera), data['S'][at, :, :3], atol=1e-9)
        worlds.append(world)
    for world in worlds[1:]:
        np.testing.assert_allclose(world, worlds[0], atol=1e-9)
    # z points up, feet are on the floor.
    assert worlds[0][10, 2] > worlds[0][0, 2] > worlds[0][3, 2] and 0 < worlds[0][[3, 6], 2].min() < 0.06


def test_people_are_inside_the_image_and_upright_in_it(root):
    for split in ('train', 'test'):
        data = arrays(root, split)
        points = data['part']
        assert points[..., :2].min() >= 0 and points[..., :2].max() < 1000 and (points[..., 2] == 1).all()
        assert (points[:, 10, 1] < points[:, 0, 1]).all()
        assert np.isfinite(data['scale']).all() and data['scale'].min() > 1


def test_bones_are_rigid_and_knees_bend_backwards_only(root):
    data = arrays(root, 'train')
    for start in range(0, len(data['S']), 20 * 4):
        joints = data['S'][start : start + 20, :, :3]
        for joint, parent in enumerate(_PARENTS):
            if parent >= 0:
                assert np.linalg.norm(joints[:, joint] - joints[:, parent], axis=1).std() < 1e-9
        right = joints[:, 1] - joints[:, 4]
        for hip, knee, foot in ((1, 2, 3), (4, 5, 6)):
            turn = np.cross(joints[:, knee] - joints[:, hip], joints[:, foot] - joints[:, knee])
            # The shank turns against the thigh about the axis of the hips, one way.
            assert (np.sum(turn * right, axis=1) < 1e-6).all()


def test_chance_is_as_documented(root):
    """The mean training pose, relative to the root, for every test pose."""
    poses = [arrays(root, split)['S'][..., :3] for split in ('train', 'test')]
    train, test = (pose - pose[:, :1] for pose in poses)
    assert 0.15 < np.linalg.norm(test - train.mean(axis=0), axis=2).mean() < 0.25


def test_statistics_are_those_of_the_training_set(root):
    data = arrays(root, 'train')
    stats = pickle.loads((root / 'annotation_body3d/fps50/joint3d_rel_stats.pkl').read_bytes())
    relative = data['S'][:, 1:, :3] - data['S'][:, :1, :3]
    assert stats['mean'].shape == (16, 3)
    np.testing.assert_allclose(stats['mean'], relative.mean(axis=0))
    np.testing.assert_allclose(stats['std'], relative.std(axis=0))
    stats = pickle.loads((root / 'annotation_body3d/fps50/joint2d_stats.pkl').read_bytes())
    np.testing.assert_allclose(stats['mean'], data['part'][..., :2].mean(axis=0))


@pytest.mark.parametrize(
    'bad, message',
    [
        (dict(train_subjects=('S12',)), 'S1 to S11'),
        (dict(train_subjects=('S9',)), 'in both'),
        (dict(actions=('Flying',)), 'must be among'),
        (dict(num_frames=1), 'at least 2'),
    ],
)
def test_bad_arguments_are_told(tmp_path, bad, message):
    with pytest.raises(ValueError, match=message):
        SyntheticHuman36m(str(tmp_path / 'x'), **bad)
