import copy

import numpy as np
import pytest
import torch

from vlplugins.evaluation.functional.temporal import (
    match_to_truth,
    merge_intervals,
    pairwise_temporal_iou,
    runs_from_mask,
    segment_average_precision,
    set_iou,
    temporal_nms,
    widen,
)

THRESHOLDS = (0.1, 0.3, 0.5)


def test_iou_by_hand():
    first = np.array([[0.0, 4.0], [2.0, 2.0]])
    second = np.array([[2.0, 6.0], [4.0, 5.0], [2.0, 2.0]])
    # 2 of 6 s; touching; a point inside; two equal points.
    np.testing.assert_allclose(pairwise_temporal_iou(first, second), [[2 / 6, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(pairwise_temporal_iou(widen(first[1:]), widen(second[2:])), [[1.0]])


def test_runs_by_hand():
    assert runs_from_mask([1, 1, 0, 0, 1]).tolist() == [[0, 1], [4, 4]]
    assert runs_from_mask([0, 0]).tolist() == [] and runs_from_mask([1]).tolist() == [[0, 0]]
    # The lines [8, 1, 5, 7] are four lines in three runs, not the range from 8 to 7.
    mask = np.zeros(10, dtype=bool)
    mask[[8, 1, 5, 7]] = True
    assert runs_from_mask(mask).tolist() == [[1, 1], [5, 5], [7, 8]]


def test_union_of_intervals_equals_a_count_of_moments():
    rng = np.random.default_rng(0)
    for _ in range(50):
        sets = [rng.integers(0, 60, (rng.integers(1, 6), 2)) for _ in range(2)]
        sets = [np.sort(each, axis=1) for each in sets]
        moments = [{m for s, e in each for m in range(s, e)} for each in sets]
        union = len(moments[0] | moments[1])
        expected = len(moments[0] & moments[1]) / union if union else 0.0
        assert set_iou(*sets) == pytest.approx(expected)
        merged = merge_intervals(sets[0])
        assert (merged[1:, 0] > merged[:-1, 1]).all() and np.diff(merged).sum() == len(moments[0])
    assert merge_intervals(np.zeros((0, 2))).shape == (0, 2)


def test_nms_is_in_seconds_and_within_a_class():
    segments = torch.tensor([[0.0, 10.0], [0.0, 9.0], [0.0, 10.0], [20.0, 21.0]])
    scores, labels = torch.tensor([0.9, 0.8, 0.7, 0.1]), torch.tensor([1, 1, 2, 1])
    keep, kept = temporal_nms(segments, scores, labels, 0.5)
    assert keep.tolist() == [0, 2, 3] and torch.allclose(kept, scores[[0, 2, 3]])
    points = torch.tensor([[3.0, 3.0], [3.0, 3.0]])
    assert len(temporal_nms(points, torch.tensor([0.5, 0.4]), torch.tensor([0, 0]))[0]) == 2
    assert len(temporal_nms(segments[:0], scores[:0], labels[:0])[0]) == 0


def test_soft_nms_lowers_by_a_gaussian():
    segments = torch.tensor([[0.0, 10.0], [0.0, 8.0]])
    keep, scores = temporal_nms(segments, torch.tensor([0.9, 0.8]), torch.tensor([0, 0]), 0.5, soft_sigma=0.5)
    assert keep.tolist() == [0, 1]
    assert scores.tolist() == pytest.approx([0.9, 0.8 * np.exp(-(0.8**2) / 0.5)], abs=1e-4)


def test_a_truth_is_matched_once_and_the_second_best_is_tried():
    ious = np.array([[0.9, 0.6], [0.8, 0.55], [0.7, 0.2]])
    hits = match_to_truth(ious, (0.5, 0.75))
    assert hits.tolist() == [[True, True, False], [True, False, False]]
    assert match_to_truth(np.zeros((2, 0)), (0.5,)).tolist() == [[False, False]]


def random_clips(rng, count):
    truth, found = [], []
    for clip in range(count):
        for kind, rows in ((truth, rng.integers(0, 4)), (found, rng.integers(0, 7))):
            starts = rng.uniform(0, 20, rows)
            for start, length, score in zip(starts, rng.uniform(1, 10, rows), rng.random(rows)):
                kind.append({'video-id': clip, 't-start': start, 't-end': start + length, 'score': score})
    return truth, found


def test_average_precision_equals_that_of_mmaction2():
    mmaction = pytest.importorskip('mmaction.evaluation.functional.eval_detection')
    rng = np.random.default_rng(3)
    for _ in range(20):
        truth, found = random_clips(rng, 8)
        expected = mmaction.compute_average_precision_detection(
            copy.deepcopy(truth), copy.deepcopy(found), np.array(THRESHOLDS)
        )
        scores, ious = [], []
        for clip in range(8):
            mine, true = ([e for e in each if e['video-id'] == clip] for each in (found, truth))
            scores.append(np.array([each['score'] for each in mine]))
            bounds = [np.array([[e['t-start'], e['t-end']] for e in each]).reshape(-1, 2) for each in (mine, true)]
            ious.append(pairwise_temporal_iou(*bounds))
        np.testing.assert_allclose(segment_average_precision(scores, ious, THRESHOLDS), expected, atol=1e-6)


def test_average_precision_by_hand():
    # Right, wrong, right: precision 1, 1/2, 2/3 at recall 1/3, 1/3, 2/3.
    scores, ious = [np.array([0.9, 0.7]), np.array([0.8])], [np.array([[1.0], [0.0]]), np.array([[1.0, 0.0]])]
    ious[0], scores[0] = np.array([[1.0], [0.0]]), np.array([0.9, 0.85])
    value = segment_average_precision(scores, ious, (0.5,))
    assert value == pytest.approx(1 / 3 + 2 / 3 / 3)
    assert segment_average_precision([np.zeros(0)], [np.zeros((0, 2))], (0.5,)).tolist() == [0.0]
    with pytest.raises(ValueError, match='leave the class out'):
        segment_average_precision([np.ones(1)], [np.zeros((1, 0))], (0.5,))
