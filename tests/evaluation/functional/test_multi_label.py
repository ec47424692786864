import numpy as np
import pytest

from vlplugins.evaluation.functional.multi_label import average_precisions, within_clip_average_precision


def naive(scores, truth):
    """Mean of the precision at each positive, without ties."""
    order = np.argsort(-scores)
    hits = truth[order].astype(float)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return (precision * hits).sum() / hits.sum()


def test_each_class_equals_a_plain_loop_and_empty_classes_are_left_out():
    rng = np.random.default_rng(0)
    scores, truth = rng.random((40, 3)), rng.random((40, 3)) < 0.3
    truth[:, 1] = False
    found = average_precisions(scores, truth)
    assert sorted(found) == [0, 2]
    assert found[2] == pytest.approx(naive(scores[:, 2], truth[:, 2]))


def test_a_constant_score_gives_the_share_of_positives():
    truth = np.array([[True], [False], [False], [False]])
    assert average_precisions(np.zeros((4, 1)), truth) == {0: pytest.approx(0.25)}


def test_within_a_clip_other_clips_do_not_count():
    truth = [np.array([[True], [False]]), np.array([[False], [True], [False]])]
    scores = [np.array([[0.2], [0.1]]), np.array([[0.9], [0.8], [0.7]])]
    assert within_clip_average_precision(scores, truth) == pytest.approx((1 + 0.5) / 2)
    with pytest.raises(ValueError, match='no clip has a labelled segment'):
        within_clip_average_precision([np.ones((2, 1))], [np.zeros((2, 1), bool)])
