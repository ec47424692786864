import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats.utkinect import ACTIONS, convert_utkinect, make_splits, read_joints, read_labels
from vlplugins.datasets.synthetic import SyntheticUTKinect
from vlplugins.datasets.synthetic.skeleton_files import format_utkinect_joints


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return SyntheticUTKinect(str(tmp_path_factory.mktemp('ut') / 'set'), subjects=3).prepare()


def joints(frames):
    """Upright people, the frame in the x of the head."""
    points = np.zeros((frames, 20, 3))
    points[..., 2] = 3.0
    points[:, 3] = [0, 0.7, 3.0]
    points[:, 3, 0] = np.arange(frames)
    points[:, [15, 19], 1] = -0.8
    return points


def take(folder, labels, numbers, points):
    (folder / 'joints').mkdir(exist_ok=True)
    (folder / 'actionLabel.txt').write_text(labels)
    (folder / 'joints' / 'joints_s01_e01.txt').write_text(format_utkinect_joints(numbers, points))
    return convert_utkinect(folder)


def test_segments_are_found_by_number_with_both_ends(tmp_path):
    """Numbers go in steps of 2 and one repeats; pull comes before push and shares a frame with it."""
    numbers = np.array([10, 12, 14, 14, 16, 18, 20, 22])
    labels = 's01_e01\npush: 16  22\npull: 11 16\ncarry: NaN NaN\nwalk: 100 110\n'
    data, report = take(tmp_path, labels, numbers, joints(8))
    found = {each['frame_dir']: each for each in data['annotations']}
    assert list(found) == ['s01_e01_push', 's01_e01_pull']
    assert found['s01_e01_pull']['frame_numbers'].tolist() == [12, 14, 16]
    # Of the two lines for frame 14 the first is kept.
    assert found['s01_e01_pull']['keypoint'][0, :, 3, 0].tolist() == [1, 2, 4]
    assert found['s01_e01_push']['frame_numbers'].tolist() == [16, 18, 20, 22]
    assert found['s01_e01_push']['label'] == ACTIONS.index('push')
    text = str(report)
    assert '4 clips read, 2 kept' in text and 'no frame numbers (s01_e01_carry)' in text
    assert 'no frame of the segment (s01_e01_walk)' in text and '1 lines that repeat' in text


@pytest.mark.parametrize(
    'labels, message',
    [
        ('', 'no take'),
        ('s01_e01\nwalk: 20 10', r'line 2, take s01_e01, walk: found last frame 10 before the first 20'),
        ('s01_e01\nfly: 1 2', "found 'fly: 1 2'"),
        ('s01_e01\nwalk: a b', 'two frame numbers'),
    ],
)
def test_damaged_labels_are_told(tmp_path, labels, message):
    path = tmp_path / 'actionLabel.txt'
    path.write_text(labels)
    with refused(message):
        read_labels(path)


def test_damaged_joints_are_told(tmp_path):
    path = tmp_path / 'joints.txt'
    path.write_text('1 2 3\n')
    with refused('line 1: found 3 words'):
        read_joints(path)
    path.write_text('')
    with refused('no line'):
        read_joints(path)
    upside_down = joints(3) * [1, -1, 1]
    path.write_text(format_utkinect_joints(np.arange(3), upside_down))
    with refused('median heights'):
        read_joints(path)
    with refused('no such file'):
        (tmp_path / 'actionLabel.txt').write_text('s02_e01\nwalk: 1 2')
        convert_utkinect(tmp_path)


def test_protocols(root):
    data, _ = convert_utkinect(root)
    names = [each['frame_dir'] for each in data['annotations']]
    assert len(names) == 59
    splits = make_splits(names)
    for protocol, folds in (('loso', 6), ('losubo', 3), ('loo', 59)):
        held_out = [splits[name] for name in splits if name.startswith(f'{protocol}_') and name.endswith('_val')]
        assert len(held_out) == folds and sorted(sum(held_out, [])) == sorted(names)
    assert splits['loso_01_val'] == [name for name in names if name.startswith('s01_e02')]
    assert not set(splits['loso_01_train']) & set(splits['loso_01_val'])
    assert {name[:3] for name in splits['half_train']} == {'s01', 's03'}
