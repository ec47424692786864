import itertools

import numpy as np
import pytest

from vlplugins.evaluation.functional.retrieval import (
    best_of_groups,
    dual_softmax,
    recall_at,
    retrieval_metrics,
    retrieval_ranks,
    retrieval_ranks_of_any,
)


def test_ranks_worked_out_by_hand():
    scores = np.array([[0.9, 0.1, 0.5], [0.3, 0.2, 0.1], [0.1, 0.8, 0.4], [1.0, 2.0, 3.0]])
    ranks = retrieval_ranks(scores, np.array([0, 1, 2, 0]))
    assert ranks.expected.tolist() == [1, 2, 2, 3]
    assert retrieval_metrics(ranks, (1, 2)) == {'R@1': 25.0, 'R@2': 75.0, 'MdR': 2.0, 'MnR': 2.0}


def test_median_of_an_even_number_is_between_the_middle_two():
    ranks = retrieval_ranks(np.array([[2.0, 1.0], [2.0, 1.0]]), np.array([0, 1]))
    assert retrieval_metrics(ranks)['MdR'] == 1.5


def orders(row, target, k):
    """Hit at k and rank of the target, as the mean over every order of equal scores."""
    hits, places = [], []
    for order in itertools.permutations(range(len(row))):
        values = [row[i] for i in order]
        if values == sorted(values, reverse=True):
            place = order.index(target) + 1
            places.append(place)
            hits.append(place <= k)
    return np.mean(hits), np.mean(places)


@pytest.mark.parametrize('seed', range(5))
def test_ties_give_the_mean_over_all_orders(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 3, (6, 5)).astype(float)
    targets = rng.integers(0, 5, 6)
    ranks = retrieval_ranks(scores, targets)
    for k in (1, 2, 4):
        expected = [orders(row, target, k) for row, target in zip(scores, targets)]
        metrics = retrieval_metrics(ranks, (k,))
        assert metrics[f'R@{k}'] == pytest.approx(100 * np.mean([hit for hit, _ in expected]))
        assert metrics['MnR'] == pytest.approx(np.mean([place for _, place in expected]))


@pytest.mark.parametrize('size', [2, 10, 33])
def test_constant_scores_are_chance(size):
    metrics = retrieval_metrics(retrieval_ranks(np.ones((size, size)), np.arange(size)), (1, 2))
    assert metrics['R@1'] == pytest.approx(100 / size) and metrics['R@2'] == pytest.approx(200 / size)
    assert metrics['MdR'] == metrics['MnR'] == (size + 1) / 2


def test_a_group_scores_as_its_best_caption():
    scores = np.array([[1.0, 5.0], [4.0, 2.0], [3.0, 3.0], [0.0, 9.0]])
    assert best_of_groups(scores, np.array([1, 0, 1, 0]), 2).tolist() == [[4.0, 9.0], [3.0, 5.0]]
    for groups in ([0, 0, 0, 0], [0, 1, 2, 0], [0, 1]):
        with pytest.raises(ValueError, match='groups'):
            best_of_groups(scores, np.array(groups), 2)


def test_dual_softmax_against_loops():
    scores = np.random.default_rng(0).normal(0, 3, (4, 5))
    expected = np.zeros_like(scores)
    for query in range(4):
        for candidate in range(5):
            total = sum(np.exp(scores[other, candidate]) for other in range(4))
            expected[query, candidate] = scores[query, candidate] * np.exp(scores[query, candidate]) / total * 4
    assert np.allclose(dual_softmax(scores), expected)
    # a large factor does not overflow
    assert np.isfinite(dual_softmax(scores * 1000)).all()


def test_dual_softmax_takes_a_candidate_from_the_query_that_wants_it_less():
    scores = np.array([[3.0, 2.9], [2.0, 0.0]])
    assert retrieval_metrics(retrieval_ranks(scores, np.array([1, 0])), (1,))['R@1'] == 50.0
    assert retrieval_metrics(retrieval_ranks(dual_softmax(scores), np.array([1, 0])), (1,))['R@1'] == 100.0


@pytest.mark.parametrize(
    'scores, targets, message',
    [
        (np.zeros((0, 3)), np.zeros(0, int), r'\[Q, N\]'),
        (np.zeros((2, 3)), np.zeros(3, int), r'\[Q, N\]'),
        (np.zeros((2, 3)), np.array([0, 3]), 'outside 0..2'),
        (np.array([[0.0, 1.0], [np.nan, 0.0]]), np.array([0, 1]), '1 of 4 scores.*query 1'),
    ],
)
def test_bad_input_is_refused(scores, targets, message):
    with pytest.raises(ValueError, match=message):
        retrieval_ranks(scores, targets)


def test_best_of_several_right_items_by_hand():
    scores = np.array([[0.9, 0.1, 0.5, 0.95], [0.2, 0.7, 0.7, 0.1]])
    ranks = retrieval_ranks_of_any(scores, np.array([0, 0, 1, 1]), np.array([0, 1]))
    # Query 0: its best has 0.9, one other more. Query 1: its best has 0.7, and one other as much.
    assert ranks.greater.tolist() == [1, 0] and ranks.tied.tolist() == [1, 2]
    assert recall_at(ranks, (1, 2)) == {'R@1': 0.0, 'R@2': 100.0}
    with pytest.raises(ValueError, match='query 7 has no right item'):
        retrieval_ranks_of_any(scores, np.array([0, 0, 1, 1]), np.array([0, 7]))
    with pytest.raises(ValueError, match='do not match'):
        retrieval_ranks_of_any(scores, np.array([0, 0, 1]), np.array([0, 1]))
