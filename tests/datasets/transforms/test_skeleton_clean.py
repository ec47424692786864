import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.skeletons import person, record
from vlplugins.datasets.transforms import PadPersons, SanitizeSkeleton


def two(frames=30):
    return np.stack([person(frames, turn=(0.1, 0, 0)), person(frames, turn=(1.5, 0, 0)) + [1.0, 0, 0]])


def test_person_who_moves_most_comes_first_and_ties_keep_their_order():
    points = two()
    found = SanitizeSkeleton()(record(points))
    np.testing.assert_allclose(found['keypoint'], points[::-1])
    # The same motion to the last bit, mirrored in depth: equal squares, another person.
    same = np.stack([points[0], points[0] * [1, 1, -1]])
    np.testing.assert_allclose(SanitizeSkeleton()(record(same))['keypoint'], same)
    assert len(SanitizeSkeleton(num_person=1)(record(points))['keypoint']) == 1


def test_empty_frames_go_and_times_stay_true():
    points = person(30)
    points[[4, 5, 20]] = 0
    found = SanitizeSkeleton()(record(points))
    assert found['keypoint'].shape[1] == found['total_frames'] == 27
    assert found['frame_times'].tolist() == [t for t in range(30) if t not in (4, 5, 20)]
    numbers = np.arange(100, 160, 2)
    found = SanitizeSkeleton()(record(points, frame_numbers=numbers))
    assert found['frame_times'].tolist() == [t for t in range(30) if t not in (4, 5, 20)]


def test_short_gaps_are_filled_and_long_ones_are_not():
    points = two(40)
    points[0, 10:15] = 0
    points[0, 20:26] = 0
    found = SanitizeSkeleton()(record(points))
    filled, presence = found['keypoint'][1], found['presence'][1]
    for step, t in enumerate(range(10, 15), 1):
        np.testing.assert_allclose(filled[t], points[0, 9] + step / 6 * (points[0, 15] - points[0, 9]))
    assert presence[10:15].all() and not presence[20:26].any() and not filled[20:26].any()
    assert found['presence'][0].all()


def test_half_precision_becomes_double_before_anything_is_differenced():
    found = SanitizeSkeleton()(record(person().astype(np.float16)))
    assert found['keypoint'].dtype == np.float64


def test_nan_is_told_or_interpolated():
    points = person(30)
    points[7, 10] = np.nan
    points[8, 10, 0] = np.inf
    with refused(r'clip.*frame 7, joint 10, person 0'):
        SanitizeSkeleton()(record(points))
    found = SanitizeSkeleton(on_nan='interpolate')(record(points))
    assert found['num_repaired'] == 4 and np.isfinite(found['keypoint']).all()
    steps = np.interp([7, 8], [6, 9], points[[6, 9], 10, 0])
    np.testing.assert_allclose(found['keypoint'][0, [7, 8], 10, 0], steps)
    points[:, :5] = np.nan
    with refused('at most 10%'):
        SanitizeSkeleton(on_nan='interpolate')(record(points))
    points = person(30)
    points[:, 3, 0] = np.nan
    with refused('never finite'):
        SanitizeSkeleton(on_nan='interpolate')(record(points))


@pytest.mark.parametrize(
    'bad, text',
    [
        (np.zeros((1, 0, 25, 3)), 'a person and a frame'),
        (np.zeros((1, 9, 25, 3)), 'nobody'),
        (np.zeros((9, 25, 3))[:, :, :, None][..., 0], None),
        (np.ones((1, 9, 25, 2)), 'points of an image'),
        (np.array([['a']]), 'type'),
    ],
)
def test_bad_input_is_told(bad, text):
    if text is None:
        results = dict(keypoint=bad, frame_dir='clip', ann_file='file.pkl')
        with refused(r'\(M, T, V, 3\).*keypoint\[None\]'):
            SanitizeSkeleton()(results)
        return
    with refused(text):
        SanitizeSkeleton()(dict(keypoint=bad, frame_dir='clip'))


def test_bad_arguments_and_frame_numbers_are_told():
    with pytest.raises(ValueError, match='on_nan'):
        SanitizeSkeleton(on_nan='ignore')
    with refused('increase'):
        SanitizeSkeleton()(record(person(5), frame_numbers=[1, 3, 3, 5, 7]))


def test_padding_adds_absent_persons():
    found = PadPersons(3)(SanitizeSkeleton()(record(person(5))))
    assert found['keypoint'].shape == (3, 5, 25, 3) and not found['keypoint'][1:].any()
    assert found['presence'].tolist() == [[True] * 5, [False] * 5, [False] * 5]
