import pickle

import numpy as np
import pytest

from vlplugins.datasets.synthetic.skeleton_actions import PERSON_PARENTS, SyntheticSkeletonActions


def load(folder):
    return pickle.loads((folder / 'skeleton_actions.pkl').read_bytes())


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('skeletons') / 'set'
    return SyntheticSkeletonActions(str(folder), num_train=60, num_val=30, num_classes=6).prepare()


@pytest.fixture(scope='module')
def data(root):
    return load(root)


def by_split(data, split):
    names = set(data['split'][split])
    return [annotation for annotation in data['annotations'] if annotation['frame_dir'] in names]


def test_pose_dataset_reads_it(root):
    from mmaction.datasets import PoseDataset

    path = str(root / 'skeleton_actions.pkl')
    for split, count in (('xsub_train', 60), ('xsub_val', 30)):
        dataset = PoseDataset(path, pipeline=[], split=split)
        assert len(dataset) == count
        record = dataset.get_data_info(3)
        assert record['keypoint'].shape == (1, record['total_frames'], 25, 3) and record['label'] == 3


def test_classes_are_balanced_and_people_disjoint(data):
    for split, each in (('xsub_train', 10), ('xsub_val', 5)):
        labels = [annotation['label'] for annotation in by_split(data, split)]
        assert np.bincount(labels).tolist() == [each] * 6
    names = [annotation['frame_dir'] for annotation in data['annotations']]
    assert len(set(names)) == len(names) == 90
    people = [{name[8:12] for name in data['split'][split]} for split in ('xsub_train', 'xsub_val')]
    assert not people[0] & people[1]


def test_bones_keep_their_length_up_to_noise(data):
    keypoints = data['annotations'][0]['keypoint'][0]
    for joint, parent in enumerate(PERSON_PARENTS):
        if parent >= 0:
            length = np.linalg.norm(keypoints[:, joint] - keypoints[:, parent], axis=1)
            assert length.std() < 0.02 and length.mean() > 0.02


def relative(annotation):
    """Joints relative to the pelvis and the size of the trunk, ``[T, 25, 3]``."""
    keypoints = annotation['keypoint'][0].astype(float)
    size = np.linalg.norm(keypoints[:, 20] - keypoints[:, 0], axis=1).mean()
    return (keypoints - keypoints[:, :1]) / size


def nearest_class(train, test, feature):
    """Share of the test clips whose nearest training clip in a feature has their label."""
    bank = np.stack([feature(annotation).ravel() for annotation in train])
    hits = []
    for annotation in test:
        near = np.linalg.norm(bank - feature(annotation).ravel(), axis=1).argmin()
        hits.append(train[near]['label'] == annotation['label'])
    return float(np.mean(hits))


def spread(annotation):
    """How far each joint's height and distance from the pelvis move in the clip: blind to heading."""
    joints = relative(annotation)
    height, distance = joints[..., 1], np.linalg.norm(joints[..., [0, 2]], axis=2)
    return np.concatenate([np.ptp(height, axis=0), np.ptp(distance, axis=0)])


def test_movement_tells_the_class_and_single_frames_at_the_ends_do_not(data):
    train, test = by_split(data, 'xsub_train'), by_split(data, 'xsub_val')
    assert nearest_class(train, test, spread) > 0.9
    # Chance is 1/6; 30 clips have a deviation of 0.07.
    for frame in (0, -1):
        assert nearest_class(train, test, lambda annotation, at=frame: relative(annotation)[at]) < 0.45


def test_length_place_and_size_do_not_tell_the_class(data):
    def nuisance(annotation):
        first = annotation['keypoint'][0, 0]
        return np.array([annotation['total_frames'] / 10, *first[0], np.linalg.norm(first[20] - first[0])])

    assert nearest_class(by_split(data, 'xsub_train'), by_split(data, 'xsub_val'), nuisance) < 0.4


@pytest.mark.parametrize('label, joint, side', [(0, 10, 1), (1, 6, -1)])
def test_raised_arm_is_that_of_its_name(data, label, joint, side):
    """A right wrist rises above the head, on the side of larger x (the person faces the camera)."""
    annotation = next(each for each in data['annotations'] if each['label'] == label)
    joints = relative(annotation)
    peak = joints[:, joint, 1].argmax()
    assert joints[peak, joint, 1] > joints[peak, 3, 1] - 0.2 and joints[peak, joint, 0] * side > 0
    other = 16 - joint
    assert joints[:, other, 1].max() < 0.2


def test_squatting_person_sinks_and_feet_stay(data):
    annotation = next(each for each in data['annotations'] if each['label'] == 4)
    keypoints = annotation['keypoint'][0]
    assert np.ptp(keypoints[:, 0, 1]) > 0.2
    assert np.ptp(keypoints[:, [15, 19], 1].min(axis=1)) < 0.08


def test_coco_points_are_pixels_of_the_same_person(tmp_path):
    root = SyntheticSkeletonActions(str(tmp_path / 'set'), num_train=4, num_val=4, layout='coco').prepare()
    annotation = load(root)['annotations'][0]
    frames = annotation['total_frames']
    assert annotation['keypoint'].shape == (1, frames, 17, 2) and annotation['keypoint_score'].shape == (1, frames, 17)
    points = annotation['keypoint'][0].astype(float)
    assert annotation['img_shape'] == (1080, 1920)
    assert points.min() >= 0 and points[..., 0].max() < 1920 and points[..., 1].max() < 1080
    nose, left_shoulder, right_shoulder, left_ankle = points[0, [0, 5, 6, 15]]
    # The image is that of a person who faces the camera: their left is at the right, their head above their feet.
    assert left_shoulder[0] > right_shoulder[0] and nose[1] < left_shoulder[1] < left_ankle[1]


@pytest.mark.parametrize(
    'bad', [dict(num_classes=1), dict(layout='kinect20'), dict(length=(4, 2)), dict(num_val=2, num_classes=4)]
)
def test_bad_arguments_are_told(tmp_path, bad):
    with pytest.raises(ValueError, match='must be|expected|cannot hold'):
        SyntheticSkeletonActions(str(tmp_path / 'x'), **bad)
