import numpy as np
import pytest

from tests.helpers.grounding import REAL_CHARADES
from vlplugins.datasets.formats.compositional_annotations import CompositionalFile
from vlplugins.evaluation.functional.grounding import best_fixed_segment, grounding_scores, recall_at
from vlplugins.evaluation.functional.temporal import pairwise_temporal_iou

IOUS = [np.array([0.5, 0.9]), np.array([0.2]), np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0]), np.zeros(0)]


@pytest.mark.parametrize(
    'top, threshold, strict, expected',
    [(1, 0.5, False, 25), (1, 0.5, True, 0), (5, 0.5, True, 25), (2, 0.7, False, 25), (6, 0.7, False, 50),
     (1, 0.2, False, 50)],
)  # fmt: skip
def test_recall_by_hand(top, threshold, strict, expected):
    assert recall_at(IOUS, top, threshold, strict) == expected


def test_scores_equal_a_naive_loop():
    rng = np.random.default_rng(0)
    ious = [rng.random(rng.integers(1, 7)) for _ in range(50)]
    scores = grounding_scores(ious, (1, 5), (0.3, 0.7))
    for top in (1, 5):
        for bound in (0.3, 0.7):
            hits = 0
            for each in ious:
                hits += any(value >= bound for value in each[:top].tolist())
            assert scores[f'R{top}@{bound}'] == pytest.approx(100 * hits / 50)
    assert scores['mIoU'] == pytest.approx(100 * sum(each[0] for each in ious) / 50)


def test_nothing_gives_no_number():
    assert np.isnan(grounding_scores([])['mIoU']) and np.isnan(recall_at([], 1, 0.5))


def test_recall_agrees_with_mmaction_where_it_is_there():
    accuracy = pytest.importorskip('mmaction.evaluation.functional.accuracy')
    rng = np.random.default_rng(1)
    first = np.sort(rng.random((6, 2)), axis=1)
    second = np.sort(rng.random((1, 2)), axis=1)
    theirs = accuracy.pairwise_temporal_iou(first, second)
    ours = pairwise_temporal_iou(first, second)[:, 0]
    assert np.allclose(theirs.ravel(), ours)


def test_best_fixed_segment_by_hand():
    truth = np.array([[0.0, 0.5], [0.0, 0.5], [0.5, 1.0]])
    segment, ious = best_fixed_segment(truth, threshold=0.7)
    assert segment == (0.0, 0.5) and ious.tolist() == [1, 1, 0]


@pytest.mark.skipif(not REAL_CHARADES.is_dir(), reason='the released annotations are not here')
def test_fixed_segment_on_the_released_trivial_split():
    """[0, 0.45] of every video: numbers that were worked out from the file by other code."""
    queries = CompositionalFile(REAL_CHARADES / 'test_trivial.json', is_test=True).queries
    truth = np.array([np.array(q['segment']) / q['duration'] for q in queries])
    ious = pairwise_temporal_iou(np.array([[0.0, 0.45]]), truth)[0]
    scores = grounding_scores(list(ious[:, None]))
    assert scores['R1@0.5'] == pytest.approx(27.81, abs=0.1) and scores['R1@0.7'] == pytest.approx(13.47, abs=0.1)
    assert scores['mIoU'] == pytest.approx(30.87, abs=0.1)
    _, best = best_fixed_segment(truth)
    assert grounding_scores(list(best[:, None]))['R1@0.5'] >= scores['R1@0.5']
