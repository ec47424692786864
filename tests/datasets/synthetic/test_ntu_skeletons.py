import numpy as np
import pytest

from vlplugins.datasets.formats.ntu_skeleton import parse_name, read_skeleton_file
from vlplugins.datasets.synthetic import SyntheticNTUActions, SyntheticNTUPairs
from vlplugins.datasets.transforms import BodyFrameNormalize, SanitizeSkeleton
from vlplugins.utils import safe_pickle


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return SyntheticNTUActions(str(tmp_path_factory.mktemp('ntu') / 'set'), num_train=48, num_test=24).prepare()


@pytest.fixture(scope='module')
def data(root):
    return safe_pickle.load(root / 'ntu_3d.pkl')


def normal(annotation):
    return BodyFrameNormalize()(SanitizeSkeleton()(dict(annotation)))['keypoint'][0]


def test_splits_are_balanced_and_people_and_cameras_disjoint(data):
    labels = {each['frame_dir']: each['label'] for each in data['annotations']}
    for split, each in (('xview_train', 6), ('xview_val', 3)):
        assert np.bincount([labels[name] for name in data['split'][split]]).tolist() == [each] * 8
    people = [{parse_name(name).performer for name in data['split'][split]} for split in ('xview_train', 'xview_val')]
    assert not people[0] & people[1]
    assert {parse_name(name).camera for name in data['split']['xview_val']} == {1}


def test_raw_files_are_those_of_the_pickle(root, data):
    (path, *_) = sorted((root / 'nturgb+d_skeletons').glob('*.skeleton'))
    (body,) = read_skeleton_file(path)[0].values()
    annotation = next(each for each in data['annotations'] if each['frame_dir'] == path.stem)
    np.testing.assert_allclose(annotation['keypoint'][0], body.joints, atol=1e-5)
    assert (root / 'report.txt').read_text().startswith('72 clips read, 72 kept')


def events(data, label):
    return [normal(each) for each in data['annotations'] if each['label'] == label]


def rise(points, joint, axis):
    """Range of a joint along an axis of the body, from the hip, without single noisy frames."""
    track = points[:, joint, axis] - points[:, 0, axis]
    return np.quantile(track, 0.97) - np.quantile(track, 0.3)


def test_events_are_those_of_their_names(data):
    """In body coordinates: the right hand goes to the front, to the side, to the head; feet twitch on their side."""
    for label in (0, 1):
        assert all(rise(points, 10, 2) > 0.25 for points in events(data, label))
    assert all((points[:, 10, 0] - points[:, 8, 0]).min() < -0.5 for points in events(data, 2))
    for points in events(data, 3):
        assert np.linalg.norm(points[:, 11] - points[:, 3], axis=1).min() < 0.75
    for label, moved, still in ((6, 18, 14), (7, 14, 18)):
        for points in events(data, label):
            steps = np.abs(np.diff(points, axis=0)).sum(axis=2)
            assert steps[:, moved].max() > 1.5 * steps[:, still].max()


def test_jumps_are_relative_to_the_body(data):
    heights = [
        [np.ptp(np.convolve(points[:, 0, 1], np.ones(5) / 5, 'valid')) for points in events(data, label)]
        for label in (4, 5)
    ]
    assert max(heights[0]) < min(heights[1])
    sizes = {}
    for each in data['annotations']:
        points = each['keypoint'][0]
        size = np.median(np.linalg.norm(points[:, 20] - points[:, 0], axis=1))
        sizes.setdefault(parse_name(each['frame_dir']).camera == 1, []).append(size)
    assert max(sizes[True]) < 0.42 < 0.5 < min(sizes[False])


def test_same_seed_same_set_and_another_differs(tmp_path, data):
    kwargs = dict(num_train=8, num_test=8)
    one, two, three = (
        safe_pickle.load(SyntheticNTUActions(str(tmp_path / name), seed=seed, **kwargs).prepare() / 'ntu_3d.pkl')
        for name, seed in (('a', 0), ('b', 0), ('c', 1))
    )
    assert np.array_equal(one['annotations'][3]['keypoint'], two['annotations'][3]['keypoint'])
    assert one['annotations'][3]['keypoint'].shape != three['annotations'][3]['keypoint'].shape or not np.array_equal(
        one['annotations'][3]['keypoint'], three['annotations'][3]['keypoint']
    )


def test_pairs_differ_in_the_distance_alone(tmp_path):
    root = SyntheticNTUPairs(str(tmp_path / 'set'), num_train=4, num_test=4).prepare()
    annotations = safe_pickle.load(root / 'ntu_3d.pkl')['annotations']
    near, far = ([each for each in annotations if each['label'] == label] for label in (0, 1))
    for one, other in zip(near, far):
        points = [BodyFrameNormalize(size='none')(SanitizeSkeleton()(dict(each)))['keypoint'] for each in (one, other)]
        apart = [0.5 * np.linalg.norm(each[1, :, 0, [0, 2]] - each[0, :, 0, [0, 2]], axis=0).mean() for each in points]
        assert apart[0] == pytest.approx(0.9, abs=0.1) and apart[1] == pytest.approx(2.9, abs=0.1)
        own = [each - each[:, :, :1] for each in points]
        assert np.abs(own[0] - own[1]).max() < 1e-3


def test_bad_arguments_are_told(tmp_path):
    with pytest.raises(ValueError, match='cannot hold'):
        SyntheticNTUActions(str(tmp_path / 'x'), num_train=3)
    with pytest.raises(ValueError, match='length'):
        SyntheticNTUActions(str(tmp_path / 'x'), length=(20, 30))
