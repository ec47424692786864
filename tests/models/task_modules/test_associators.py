import itertools

import numpy as np
import pytest

pytest.importorskip('mmdet')

from vlplugins.models.task_modules.assignment import NEVER, match, pair_ious  # noqa: E402
from vlplugins.models.task_modules.associators import ByteAssociator, GIoUAssociator  # noqa: E402
from vlplugins.models.task_modules.tracks import Detections, Tracks  # noqa: E402


def seen(*boxes, scores=None, labels=None):
    boxes = np.array(boxes, dtype=float).reshape(-1, 4)
    scores = np.full(len(boxes), 0.9) if scores is None else np.array(scores)
    return Detections(boxes, scores, np.zeros(len(boxes), dtype=int) if labels is None else np.array(labels))


def at(x, y=0.0, width=10.0, height=20.0):
    return [x, y, x + width, y + height]


def run(associator, frames, follow=None):
    """Identities that are written in each frame; ``follow`` moves the boxes of the tracker."""
    tracks, written = Tracks(), []
    for number, found in enumerate(frames):
        tracked = associator.propose(tracks)
        tracked = tracked if follow is None else follow(tracked)
        tracks = associator.update(tracks, tracked, None, found, number)
        written.append(tracks.ids[associator.visible(tracks)].tolist())
    return tracks, written


def naive_iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    inside = max(width, 0) * max(height, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inside
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return inside / union, inside / union - (around - union) / around


def test_overlaps_equal_the_naive_ones():
    boxes = np.random.default_rng(0).uniform(0, 50, (7, 4))
    boxes[:, 2:] = boxes[:, :2] + boxes[:, 2:] + 1
    plain, generalised = pair_ious(boxes[:4], boxes), pair_ious(boxes[:4], boxes, True)
    for i, j in itertools.product(range(4), range(7)):
        np.testing.assert_allclose([plain[i, j], generalised[i, j]], naive_iou(boxes[i], boxes[j]))


def brute_force(costs, limit):
    """The least sum of pairs and of ``limit`` for two that stay alone."""
    rows, columns = costs.shape
    best = np.inf
    for chosen in itertools.product(range(-1, columns), repeat=rows):
        used = [each for each in chosen if each >= 0]
        if len(used) == len(set(used)):
            total = sum(costs[row, column] for row, column in enumerate(chosen) if column >= 0)
            best = min(best, total + limit / 2 * (rows + columns - 2 * len(used)))
    return best


@pytest.mark.parametrize('shape', [(3, 4), (4, 3), (1, 4), (4, 4)])
def test_joint_matching_is_the_best_of_all(shape):
    costs = np.random.default_rng(sum(shape)).uniform(0, 2, shape)
    row, column = match(costs, 0.9, jointly=True)
    total = costs[row, column].sum() + 0.45 * (sum(shape) - 2 * len(row))
    assert total == pytest.approx(brute_force(costs, 0.9)) and (costs[row, column] <= 0.9).all()


def test_pairs_above_the_limit_are_parted_after_or_before():
    costs = np.array([[0.0, 0.8], [0.1, NEVER]])
    # All paired at 0.9 in sum, and both are allowed; jointly one pair and two alone are cheaper.
    assert [each.tolist() for each in match(costs, 0.85)] == [[0, 1], [1, 0]]
    assert [each.tolist() for each in match(costs, 0.85, jointly=True)] in ([[0], [0]], [[0, 1], [1, 0]])
    assert len(match(np.zeros((0, 3)), 1.0)[0]) == len(match(np.zeros((3, 0)), 1.0, True)[0]) == 0
    assert len(match(np.full((2, 2), NEVER), 1.2)[0]) == 0


@pytest.mark.parametrize('kind', [GIoUAssociator, ByteAssociator])
def test_objects_keep_their_ids_while_they_move(kind):
    frames = [seen(at(3.0 * step), at(100 - 3.0 * step)) for step in range(6)]
    frames[3] = Detections(*(each[::-1] for each in frames[3]))
    _, written = run(kind(), frames)
    assert [sorted(each) for each in written] == [[1, 2]] * 6
    assert written[3] == written[2]  # the order is that of the objects, not of the detections


@pytest.mark.parametrize('kind, age', [(GIoUAssociator, 10), (ByteAssociator, 30)])
def test_a_lost_object_returns_with_its_id_within_the_limit_only(kind, age):
    here, nothing = seen(at(0)), seen()
    for gap, same in ((age - 1, True), (age, True), (age + 1, False)):
        associator = kind()
        tracks, written = run(associator, [here, here, *[nothing] * gap, here, here])
        assert written[1] == [1] and written[2 : 2 + gap] == [[]] * gap
        assert written[-1] == ([1] if same else [2]), gap


def test_the_box_of_the_tracker_decides():
    """Objects that jump over each other: boxes of the frame before swap their ids, tracked ones do not."""
    frames = [seen(at(0), at(11)), seen(at(11), at(22))]
    assert run(GIoUAssociator(generalised=False, max_cost=0.9), frames)[1] == [[1, 2], [2, 3]]
    moved = run(GIoUAssociator(generalised=False, max_cost=0.9), frames, lambda boxes: boxes + [11, 0, 11, 0])
    assert moved[1] == [[1, 2], [1, 2]]
    assert run(ByteAssociator(), frames, lambda boxes: boxes + [11, 0, 11, 0])[1] == [[1, 2], [1, 2]]


def test_thresholds_of_the_simple_associator():
    associator = GIoUAssociator()
    tracks, written = run(associator, [seen(at(0), at(50), scores=[0.41, 0.4])])
    assert written == [[1]]
    # Side by side, a gap of 2 of 22: 1 - GIoU is 1 + 2 / 22; a gap of 6 of 26 is above 1.2.
    for gap, expected in ((2, [1]), (6, [2])):
        _, written = run(GIoUAssociator(), [seen(at(0)), seen(at(10 + gap))])
        assert written[1] == expected
    lost, _ = run(GIoUAssociator(), [seen(at(0)), seen()])
    assert lost.age.tolist() == [1] and lost.boxes.tolist() == [at(0)]


@pytest.mark.parametrize('kind', [GIoUAssociator, ByteAssociator])
def test_classes_are_not_mixed(kind):
    _, written = run(kind(), [seen(at(0), labels=[0]), seen(at(0), labels=[1]), seen(at(0), labels=[1])])
    assert 1 not in written[2] and written[2] == [2]


def test_byte_uses_unsure_detections_for_known_objects_only():
    frames = [seen(at(0), scores=[0.9]), seen(at(1), scores=[0.3]), seen(at(2), scores=[0.2])]
    assert run(ByteAssociator(), frames)[1] == [[1], [1], []]
    assert run(ByteAssociator(), [seen(at(0), scores=[0.3])])[1] == [[]]
    # Sure enough to match, but not to start.
    assert run(ByteAssociator(), [seen(at(0), scores=[0.45])])[1] == [[]]
    # A lost object does not return by an unsure detection.
    frames = [seen(at(0)), seen(at(0)), seen(), seen(at(0), scores=[0.3]), seen(at(0))]
    assert run(ByteAssociator(), frames)[1] == [[1], [1], [], [], [1]]


def test_byte_confirms_new_objects_when_they_are_seen_again():
    frames = [seen(at(0)), seen(at(0), at(50)), seen(at(0), at(50)), seen(at(0), at(50))]
    assert run(ByteAssociator(), frames)[1] == [[1], [1], [1, 2], [1, 2]]
    once = [seen(at(0)), seen(at(0), at(50)), seen(at(0)), seen(at(0), at(50)), seen(at(0), at(50))]
    # What was seen once is forgotten, and its id not used again.
    assert run(ByteAssociator(), once)[1] == [[1], [1], [1], [1], [1, 3]]


def test_byte_takes_the_tracker_where_it_is_sure():
    frames = [seen(at(0)), seen(at(30))]
    for scores, expected in ((np.array([0.95]), [1]), (np.array([0.85]), [])):
        associator, tracks = ByteAssociator(), Tracks()
        tracks = associator.update(tracks, associator.propose(tracks), None, frames[0], 0)
        tracked = associator.propose(tracks) + [30, 0, 30, 0]
        tracks = associator.update(tracks, tracked, scores, frames[1], 1)
        assert tracks.ids[associator.visible(tracks)].tolist() == expected


def test_byte_predicts_motion_and_sound_boxes():
    tracks, _ = run(ByteAssociator(), [seen(at(4.0 * step)) for step in range(8)])
    predicted = ByteAssociator().propose(tracks)
    assert predicted[0, 0] == pytest.approx(32.0, abs=0.8)
    tracks.mean[0, 2:4], tracks.mean[0, 6:] = [0.01, 0.5], [-1.0, -9.0]
    predicted = ByteAssociator().propose(tracks)
    assert (predicted[:, 2:] - predicted[:, :2] >= 1 - 1e-9).all()


def test_byte_drops_the_younger_of_two_in_one_place():
    associator = ByteAssociator()
    tracks, _ = run(associator, [seen(at(0), at(60)) for _ in range(4)])
    # The second is lost where a third, younger one is now.
    tracks.boxes[1], tracks.mean[1, 0] = at(60), 65
    tracks = associator.update(tracks, np.array([at(0), at(200)]), None, seen(at(0), at(60)), 4)
    assert tracks.ids.tolist() == [1, 2]


@pytest.mark.parametrize('kind', [GIoUAssociator, ByteAssociator])
def test_parents_point_into_the_frame_before(kind):
    associator = kind(max_age=1)
    frames = [seen(at(0), at(50), at(100)), seen(at(0), at(100)), seen(at(0), at(100), at(150)), seen(at(150), at(0))]
    tracks, before = Tracks(), []
    for number, found in enumerate(frames):
        tracks = associator.update(tracks, associator.propose(tracks), None, found, number)
        for track, parent in zip(tracks.ids.tolist(), tracks.parent.tolist()):
            assert (track in before) == (parent >= 0) and (parent < 0 or before[parent] == track)
        before = tracks.ids.tolist()
    assert 2 not in before


@pytest.mark.parametrize('kind', [GIoUAssociator, ByteAssociator])
def test_frames_without_anything(kind):
    tracks, written = run(kind(), [seen(), seen(), seen(at(0)), seen(at(0))])
    assert written[:2] == [[], []] and written[3] == [1] and len(tracks) == 1
