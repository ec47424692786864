import pickle

import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats.pose_table import project_pixels
from vlplugins.datasets.human36m_lifting import (
    CAMERA_NAMES,
    JOINTS_OF_32,
    Human36mLiftingDataset,
    plain_action,
    read_cameras,
    read_image_name,
    world_to_camera,
)
from vlplugins.datasets.mpi_inf_3dhp_lifting import JOINTS_OF_17, JOINTS_OF_24, MPIINF3DHPLiftingDataset, image_size_of
from vlplugins.datasets.pose_lifting import PoseLiftingDataset
from vlplugins.datasets.synthetic import SyntheticHuman36m, SyntheticPoseWorlds
from vlplugins.datasets.threedpw_lifting import JOINTS_OF_SMPL, ThreeDPWLiftingDataset
from vlplugins.structures.skeleton_layout import H36M16
from vlplugins.utils.safe_npz import load_npz


@pytest.fixture(scope='module')
def worlds(tmp_path_factory):
    return SyntheticPoseWorlds(str(tmp_path_factory.mktemp('data') / 'worlds'), 12, 2, 16, 20).prepare()


@pytest.fixture(scope='module')
def mmpose_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data') / 'human36m'
    SyntheticHuman36m(str(folder), ('S1',), ('S9',), num_frames=4).prepare()
    return folder / 'annotation_body3d'


def human36m(worlds, **changes):
    options = dict(
        ann_file='data_3d_h36m.npz', keypoint_file='data_2d_h36m_gt.npz', camera_param_file='cameras.pkl', **changes
    )
    return Human36mLiftingDataset(data_root=str(worlds), **options)


def test_takes_of_human36m(worlds):
    dataset = human36m(worlds)
    assert len(dataset) == 4 * (12 * 2 + 4) and dataset.table.pose3d.shape[1:] == (16, 3)
    world = load_npz(worlds / 'data_3d_h36m.npz')['positions_3d']['S1']['Directions']
    cameras = read_cameras(str(worlds / 'cameras.pkl'))
    record = dataset[0]
    expected = world_to_camera(world[0].astype(float), cameras['S1', CAMERA_NAMES[0]])[list(JOINTS_OF_32)]
    np.testing.assert_allclose(record['lifting_target'][0], expected, atol=1e-5)
    assert record['subject'] == 'S1' and record['action'] == 'Directions' and record['dataset'] == 'h36m'
    # A person stands 4 to 6 m off with the head up.
    assert 3 < record['lifting_target'][0, 0, 2] < 7
    assert record['lifting_target'][0, 8, 1] < record['lifting_target'][0, 0, 1]
    np.testing.assert_allclose(record['camera'][:4], [2.29, 2.29, 0, 0], atol=1e-5)


def test_projections_stand_in_for_2d_poses_and_subjects_are_chosen(worlds):
    exact = human36m(worlds, subjects=['S9'])
    projected = Human36mLiftingDataset(
        data_root=str(worlds), ann_file='data_3d_h36m.npz', camera_param_file='cameras.pkl', subjects=['S9']
    )
    assert set(exact.table.subject) == {'S9'} and len(exact) == len(projected) == 16
    np.testing.assert_allclose(exact.table.pose2d, projected.table.pose2d, atol=1e-2)
    with refused("'S5'"):
        human36m(worlds, subjects=['S5'])


def test_seeds_are_poses_with_all_their_views(worlds):
    dataset = human36m(worlds, subjects=['S1'], num_seeds=3)
    assert len(dataset) == 12
    poses, cameras = dataset.seed_poses()
    assert poses.shape == (12, 16, 3) and cameras.shape == (12, 9)
    keys = {(a, f) for a, f in zip(dataset.table.action, dataset.table.frame)}
    assert len(keys) == 3
    same = human36m(worlds, subjects=['S1'], num_seeds=3)
    assert np.array_equal(same.table.pose3d, dataset.table.pose3d)
    with refused('num_seeds 25'):
        human36m(worlds, subjects=['S1'], num_seeds=25)


def test_frames_of_mmpose(mmpose_files):
    dataset = Human36mLiftingDataset(
        ann_file=str(mmpose_files / 'fps50/h36m_test.npz'), camera_param_file=str(mmpose_files / 'cameras.pkl')
    )
    raw = np.load(mmpose_files / 'fps50/h36m_test.npz')
    assert len(dataset) == len(raw['S'])
    np.testing.assert_allclose(dataset.table.pose3d, np.delete(raw['S'], 9, axis=1)[..., :3], atol=1e-5)
    np.testing.assert_allclose(dataset.table.pose2d, np.delete(raw['part'], 9, axis=1)[..., :2], atol=1e-2)
    assert set(dataset.table.action) == {'Directions', 'Walking', 'Sitting'}
    # Cameras of 1000 x 1002 pixels keep their aspect.
    assert {tuple(size) for size in dataset.table.image_size.tolist()} == {(1000.0, 1002.0), (1000.0, 1000.0)}


def test_other_2d_poses_for_the_frames_of_mmpose(mmpose_files, tmp_path):
    raw = np.load(mmpose_files / 'fps50/h36m_test.npz')
    np.save(tmp_path / 'detected.npy', raw['part'] + np.array([8.0, 0, 0]))
    options = dict(
        ann_file=str(mmpose_files / 'fps50/h36m_test.npz'), camera_param_file=str(mmpose_files / 'cameras.pkl')
    )
    dataset = Human36mLiftingDataset(keypoint_file=str(tmp_path / 'detected.npy'), **options)
    np.testing.assert_allclose(dataset.table.pose2d[..., 0] - 8, np.delete(raw['part'], 9, 1)[..., 0], atol=1e-2)
    np.save(tmp_path / 'short.npy', raw['part'][:-1])
    with refused(f'{len(raw["S"]) - 1} 2D poses'):
        Human36mLiftingDataset(keypoint_file=str(tmp_path / 'short.npy'), **options)


def write_takes(folder, worlds, change_3d=None, change_2d=None, change_cameras=None):
    positions = load_npz(worlds / 'data_3d_h36m.npz')['positions_3d']
    screens = load_npz(worlds / 'data_2d_h36m_gt.npz')['positions_2d']
    cameras = read_cameras(str(worlds / 'cameras.pkl'))
    for change, content in ((change_3d, positions), (change_2d, screens), (change_cameras, cameras)):
        if change:
            change(content)
    np.savez(folder / 'data_3d_h36m.npz', positions_3d=np.array(positions, dtype=object))
    np.savez(folder / 'data_2d_h36m_gt.npz', positions_2d=np.array(screens, dtype=object))
    (folder / 'cameras.pkl').write_bytes(pickle.dumps(cameras))
    return folder


def test_the_damaged_take_is_left_out(worlds, tmp_path):
    def add(content):
        content['S11'] = {'Directions': content['S9']['Directions'], 'Walking 1': content['S9']['Walking']}

    def add_cameras(cameras):
        cameras.update({('S11', name): cameras['S9', name] for name in CAMERA_NAMES})

    dataset = human36m(write_takes(tmp_path, worlds, add, add, add_cameras), subjects=['S11'])
    assert set(dataset.table.action) == {'Walking'} and len(dataset) == 8


def test_seventeen_joints_on_the_screen_lose_the_neck(worlds, tmp_path):
    def widen(content):
        for takes in content.values():
            for action, views in takes.items():
                takes[action] = [np.insert(view, 9, 12345.0, axis=1) for view in views]

    dataset = human36m(write_takes(tmp_path, worlds, change_2d=widen))
    assert dataset.table.pose2d.max() < 2000


def trim(content):
    content['S9']['Walking'][2] = content['S9']['Walking'][2][:-1]


def broken_joint(content):
    content['S9']['Walking'][1, 12, 0] = np.nan


def collapsed_bone(content):
    content['S9']['Walking'][1, 13] = content['S9']['Walking'][1, 12]


def to_camera_space(content):
    for takes in content.values():
        for action in takes:
            takes[action] = takes[action] + np.float32(3)


def no_camera(cameras):
    del cameras['S9', CAMERA_NAMES[2]]


def millimetres(cameras):
    cameras['S1', CAMERA_NAMES[0]]['T'] = 1000 * cameras['S1', CAMERA_NAMES[0]]['T']


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(change_2d=trim), r'S9/Walking: found 1 2D poses and 2 3D poses'),
        (dict(change_3d=broken_joint), r'S9/Walking, frame 1: found joint 7 of pose3d is \[nan'),
        (dict(change_3d=collapsed_bone), r'S9/Walking, frame 1: found bone 7 .spine to thorax'),
        (dict(change_3d=to_camera_space), 'poses in world space in metres'),
        (dict(change_cameras=no_camera), r'no camera 58860488 \(index 2\) of S9'),
        (dict(change_cameras=millimetres), 'divide T by 1000'),
    ],
)
def test_bad_files_of_human36m(worlds, tmp_path, changes, message):
    with refused(message):
        human36m(write_takes(tmp_path, worlds, **changes))


def test_takes_may_be_shortened(worlds, tmp_path):
    dataset = human36m(write_takes(tmp_path, worlds, change_2d=trim), allow_trim=True)
    assert len(dataset) == 4 * (12 * 2 + 4) - 1


def test_files_that_are_damaged_or_of_another_layout(worlds, tmp_path):
    content = (worlds / 'data_3d_h36m.npz').read_bytes()
    (tmp_path / 'short.npz').write_bytes(content[: len(content) // 2])
    np.savez(tmp_path / 'other.npz', something=np.zeros(3))
    for name, message in (('short.npz', 'truncated'), ('other.npz', 'positions_3d'), ('none.npz', 'no such file')):
        with refused(message):
            Human36mLiftingDataset(ann_file=str(tmp_path / name), camera_param_file=str(worlds / 'cameras.pkl'))
        with refused(message if name != 'other.npz' else 'pose3d'):
            MPIINF3DHPLiftingDataset(ann_file=str(tmp_path / name))


def test_names_of_actions_and_images():
    assert [plain_action(name) for name in ('Directions 1', 'Directions_1', 'WalkDog', 'Phoning 2')] == [
        'Directions',
        'Directions',
        'WalkDog',
        'Phoning',
    ]
    assert read_image_name('S9/x/S9_Directions_1.54138969_000001.jpg') == ('S9', 'Directions_1', '54138969', 1)
    assert read_image_name('TS1_000001.jpg') is None


def test_3dhp_of_poseaug(worlds):
    dataset = MPIINF3DHPLiftingDataset(ann_file=str(worlds / 'test_3dhp.npz'))
    raw = np.load(worlds / 'test_3dhp.npz')
    np.testing.assert_allclose(dataset[3]['keypoints'][0], raw['pose2d'][3] + 1, atol=1e-6)
    assert dataset[3]['image_size'] == (2.0, 2.0) and 'camera' not in dataset[3]
    with refused('without cameras'):
        dataset.seed_poses()


@pytest.mark.parametrize('order', [JOINTS_OF_17, JOINTS_OF_24])
def test_3dhp_of_other_layouts(tmp_path, order):
    joints = {16: 17, 18: 24}[max(order)]
    poses = np.random.default_rng(0).normal(size=(2, joints, 3)) + (0, 0, 5)
    np.savez(
        tmp_path / 'valid.npz',
        imgname=np.array(['TS1/img_000001.jpg', 'TS5/img_000007.jpg']),
        part=np.concatenate([poses[..., :2], np.ones((2, joints, 1))], axis=2),
        S=np.concatenate([poses, np.ones((2, joints, 1))], axis=2),
    )
    dataset = MPIINF3DHPLiftingDataset(ann_file=str(tmp_path / 'valid.npz'))
    np.testing.assert_allclose(dataset.table.pose3d, poses[:, list(order)], atol=1e-6)
    assert dataset[0]['image_size'] == (2048.0, 2048.0) and dataset[1]['image_size'] == (1920.0, 1080.0)
    assert dataset[1]['subject'] == 'TS5' and dataset.table.frame.tolist() == [1, 7]
    assert image_size_of('TS6') == (1920, 1080)


def test_orders_of_3dhp_mean_the_same_joints():
    names17 = ('head_top', 'neck', *(f'right_{n}' for n in ('shoulder', 'elbow', 'wrist')))
    names17 += tuple(f'left_{n}' for n in ('shoulder', 'elbow', 'wrist'))
    names17 += tuple(f'{s}_{n}' for s in ('right', 'left') for n in ('hip', 'knee', 'ankle')) + (
        'root',
        'spine',
        'head',
    )
    found = [names17[index] for index in JOINTS_OF_17]
    expected = list(H36M16.joints)
    expected[0], expected[8] = 'root', 'neck'
    assert found == expected


def test_3dpw(worlds):
    dataset = ThreeDPWLiftingDataset(ann_file=str(worlds / '3dpw/sequenceFiles/test'))
    # One frame in ten has no valid camera.
    assert len(dataset) == 18 and dataset.left_out.total == 2
    path = next((worlds / '3dpw/sequenceFiles/test').glob('*.pkl'))
    raw = pickle.loads(path.read_bytes())
    joints = raw['jointPositions'][0].reshape(-1, 24, 3)[1, list(JOINTS_OF_SMPL)]
    np.testing.assert_allclose(dataset.table.pose3d[0], joints, atol=1e-5)
    np.testing.assert_allclose(
        project_pixels(dataset.table.pose3d, dataset.table.camera), dataset.table.pose2d, atol=0.01
    )


def change_3dpw(worlds, folder, **changes):
    path = next((worlds / '3dpw/sequenceFiles/test').glob('*.pkl'))
    content = pickle.loads(path.read_bytes())
    content.update(changes)
    content = {key: value for key, value in content.items() if value is not None}
    (folder / 'one.pkl').write_bytes(pickle.dumps(content, protocol=2))
    return ThreeDPWLiftingDataset(ann_file=str(folder))


def test_3dpw_turns_the_world_into_the_camera(worlds, tmp_path):
    plain = change_3dpw(worlds, tmp_path)
    turn = np.eye(4)
    turn[:3, :3], turn[:3, 3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]], (0.1, 0.2, 0.5)
    moved = change_3dpw(worlds, tmp_path, cam_poses=np.tile(turn, (20, 1, 1)))
    expected = plain.table.pose3d @ turn[:3, :3].T.astype(np.float32) + turn[:3, 3].astype(np.float32)
    np.testing.assert_allclose(moved.table.pose3d, expected, atol=1e-5)


def test_bad_sequences_of_3dpw(worlds, tmp_path):
    with refused('without a valid frame'):
        change_3dpw(worlds, tmp_path, campose_valid=[np.zeros(20)])
    with refused('cam_intrinsics'):
        change_3dpw(worlds, tmp_path, cam_intrinsics=None)
    with refused('25 joints'):
        change_3dpw(worlds, tmp_path, jointPositions=[np.zeros((20, 75))])
    (tmp_path / 'empty').mkdir()
    with refused('no .pkl'):
        ThreeDPWLiftingDataset(ann_file=str(tmp_path / 'empty'))


def test_detected_poses_of_3dpw_are_converted(worlds, tmp_path):
    detected = np.random.default_rng(0).uniform(1, 900, (20, 3, 18))
    detected[3, 2, 0] = 0
    path = next((worlds / '3dpw/sequenceFiles/test').glob('*.pkl'))
    content = dict(pickle.loads(path.read_bytes()), poses2d=[detected])
    (tmp_path / 'one.pkl').write_bytes(pickle.dumps(content, protocol=2))
    dataset = ThreeDPWLiftingDataset(ann_file=str(tmp_path), keypoint_2d_src='detection')
    assert len(dataset) == 17
    pixels = dataset.table.pose2d[0]
    np.testing.assert_allclose(pixels[1], detected[1, :2, 8], rtol=1e-5)
    np.testing.assert_allclose(pixels[0], (detected[1, :2, 8] + detected[1, :2, 11]) / 2, rtol=1e-5)
    assert np.allclose(pixels[8], detected[1, :2, 1])


def test_common_file(tmp_path):
    rng = np.random.default_rng(0)
    arrays = dict(
        pose3d=rng.normal(size=(4, 16, 3)) + (0, 0, 5),
        pose2d=rng.uniform(0, 1000, (4, 16, 2)),
        image_size=np.tile([1000, 1002], (4, 1)),
        camera=np.tile([1100, 1100, 500, 501, 0, 0, 0, 0, 0], (4, 1)),
        subject=np.array(['a', 'a', 'b', 'b']),
    )
    np.savez(tmp_path / 'common.npz', **arrays)
    dataset = PoseLiftingDataset(ann_file=str(tmp_path / 'common.npz'), subjects=['b'], name='mine', cache=True)
    assert len(dataset) == 2 and dataset[1]['dataset'] == 'mine' and dataset[1] is not dataset[1]
    assert dataset[0]['keypoints'] is dataset[0]['keypoints']
    np.savez(tmp_path / 'bad.npz', **{**arrays, 'camera': arrays['camera'][:3]})
    with refused('counts'):
        PoseLiftingDataset(ann_file=str(tmp_path / 'bad.npz'))
    np.savez(tmp_path / 'bad.npz', **{**arrays, 'pose3d': np.ones((4, 17, 3))})
    with refused('leave out index 9'):
        PoseLiftingDataset(ann_file=str(tmp_path / 'bad.npz'))


def test_a_pickle_that_wants_to_run_is_refused(tmp_path):
    class Bad:
        def __reduce__(self):
            return print, ('ran',)

    np.savez(tmp_path / 'evil.npz', positions_3d=np.array(Bad(), dtype=object))
    with pytest.raises(pickle.UnpicklingError, match='refused'):
        load_npz(tmp_path / 'evil.npz')
