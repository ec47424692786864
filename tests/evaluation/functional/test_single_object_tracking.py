import numpy as np
import pytest

from vlplugins.evaluation.functional.single_object_tracking import (
    got10k_overlaps,
    judge_got10k,
    judge_track,
    nearer_to_target,
    overlaps_of,
    repair_track,
    track_errors,
)

TRUTH = np.array([[10.0, 10, 20, 10]] * 4)


def shifted(*shifts):
    return TRUTH + np.array([[shift, 0, 0, 0] for shift in shifts])


def test_overlaps_by_hand():
    first = np.array([[0.0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4], [1, 1, 0, 0]])
    second = np.array([[0.0, 0, 4, 4], [2, 0, 4, 4], [9, 9, 4, 4], [1, 1, 0, 0]])
    assert overlaps_of(first, second).tolist() == pytest.approx([1, 1 / 3, 0, 0])


def test_perfect_track_has_twenty_of_twenty_one():
    found = judge_track(TRUTH, TRUTH)
    assert found['success'] == pytest.approx(100 * 20 / 21)
    assert found['OP50'] == found['OP75'] == found['precision'] == found['norm_precision'] == 100


def test_thresholds_are_exceeded_and_not_met():
    # An overlap of 10 / 30 and one of exactly a half: 40 / 3 of 20 is left, 20 - 20/3 over 20 + 20/3.
    overlap, error, normalised = track_errors(shifted(0, 10, 20 / 3, 30), TRUTH)
    assert overlap.tolist() == pytest.approx([1, 1 / 3, 0.5, 0])
    assert error.tolist() == pytest.approx([0, 10, 20 / 3, 30]) and normalised[1] == pytest.approx(0.5)
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 10]])
    half = np.array([[0.0, 0, 10, 10], [0, 0, 10, 5]])
    assert judge_track(half, boxes)['OP50'] == 50


def test_centre_error_counts_up_to_twenty_pixels():
    found = judge_track(shifted(0, 20, 20.5, 4), TRUTH)
    assert found['precision'] == 75
    # 4 / 20 is at the threshold, 1 is beyond.
    assert found['norm_precision'] == 50
    curve = judge_track(shifted(0, 5, 100, 100), TRUTH, norm_precision='auc')['norm_precision']
    # Right from 0 on, and from 0.25 on: 51 and 26 of 51 thresholds.
    assert curve == pytest.approx(100 * (51 + 26) / (4 * 51))


def test_frames_without_a_visible_target_stay_in_the_denominator():
    visible = np.array([True, True, False, True])
    assert judge_track(TRUTH, TRUTH, visible)['OP50'] == 75
    without_area = TRUTH.copy()
    without_area[2, 2] = 0
    assert judge_track(TRUTH, without_area)['OP50'] == 75


def test_first_frame_is_given_and_empty_boxes_repeat_the_one_before():
    boxes = np.array([[99.0, 99, 1, 1], [1, 1, 5, 5], [3, 3, 0, 5], [4, 4, 5, 5]])
    assert repair_track(boxes, TRUTH[0]).tolist() == [TRUTH[0].tolist(), [1, 1, 5, 5], [1, 1, 5, 5], [4, 4, 5, 5]]


@pytest.mark.parametrize('box', [[1, 1, np.nan, 2], [1, 1, -2, 2], [np.inf, 1, 2, 2]])
def test_boxes_that_are_none_are_told(box):
    boxes = TRUTH.copy()
    boxes[2] = box
    with pytest.raises(ValueError, match='frame 2 has the box'):
        judge_track(boxes, TRUTH)


def test_counts_and_arguments_are_checked():
    for function in (judge_track, lambda a, b: got10k_overlaps(a, b, (100, 100))):
        with pytest.raises(ValueError, match='3 predicted boxes for 4 frames'):
            function(TRUTH[:3], TRUTH)
    with pytest.raises(ValueError, match="norm_precision 'at0.5' is unknown"):
        judge_track(TRUTH, TRUTH, norm_precision='at0.5')


def test_got10k_leaves_out_the_first_and_the_covered_frames_and_cuts_at_the_image():
    truth = np.array([[0.0, 0, 10, 10], [90, 0, 20, 10], [0, 0, 10, 10], [0, 0, 10, 10]])
    boxes = np.array([[0.0, 0, 10, 10], [90, 0, 30, 10], [50, 50, 1, 1], [0, 0, 10, 6]])
    # Both boxes of frame 1 end at 100; frame 2 is wholly covered.
    found = got10k_overlaps(boxes, truth, (100, 100), cover=[8, 8, 0, 1])
    assert found.tolist() == pytest.approx([1.0, 0.6])


def test_got10k_pools_the_frames_of_all_sequences():
    found = judge_got10k([np.array([1.0, 0.5, 0.8]), np.array([0.0])])
    # The mean of the means would be 38.3.
    assert found == pytest.approx({'AO': 57.5, 'SR_0.5': 50, 'SR_0.75': 50})


def test_nearer_to_target_by_hand():
    truth = np.array([[0, 0, 10, 10]] * 6, dtype=float)
    others = np.array([[[40, 0, 10, 10], [0, 60, 10, 10]]] * 6, dtype=float)
    others[4, 0] = [8, 0, 10, 10]
    places = [[30, 0], [15, 0], [25, 0], [0, 40], [0, 0], [20, 0]]
    boxes = np.array([[*place, 10, 10] for place in places], dtype=float)
    visible = np.array([1, 1, 1, 1, 1, 1], dtype=bool)
    # The first is given, the fifth has another object too near; the last lies in the middle.
    assert nearer_to_target(boxes, truth, others, visible).tolist() == [True, False, False, False]
    visible[2] = False
    assert nearer_to_target(boxes, truth, others, visible).tolist() == [True, False, False]
    assert nearer_to_target(boxes, truth, others, min_distance=0.5).tolist() == [True, False, False, True, False]
