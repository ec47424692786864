import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import logsumexp

from vlplugins.evaluation.functional.linear_probe import few_label_draws, linear_probe_accuracy


def blobs(size, spread, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(size) % 3
    centres = np.array([[0, 0], [4, 0], [0, 4]])
    return centres[labels] * [1, 10] + rng.normal(0, spread, (size, 2)) * [1, 10] + 100, labels


def test_objective_is_the_documented_one():
    """The same minimum found by a general solver on the formula of the docstring."""
    bank, labels = blobs(60, 1.5)
    queries, query_labels = blobs(300, 1.5, seed=1)
    l2 = 0.05
    standard = (bank - bank.mean(0)) / bank.std(0)

    def objective(flat):
        weights, bias = flat[:6].reshape(2, 3), flat[6:]
        scores = standard @ weights + bias
        cross_entropy = (logsumexp(scores, axis=1) - scores[np.arange(60), labels]).mean()
        return cross_entropy + l2 / 2 * (weights**2).sum()

    best = minimize(objective, np.zeros(9), tol=1e-10).x
    scores = (queries - bank.mean(0)) / bank.std(0) @ best[:6].reshape(2, 3) + best[6:]
    expected = 100 * (scores.argmax(1) == query_labels).mean()
    accuracy, deviation = linear_probe_accuracy(bank, labels, queries, query_labels, l2=l2)
    assert accuracy == pytest.approx(expected, abs=0.35) and deviation == 0.0


def test_few_labels_take_so_many_of_each_class_and_repeat_by_seed():
    labels = np.array([0] * 10 + [1] * 3 + [2] * 5)
    draws = few_label_draws(labels, 2, draws=4, seed=1)
    assert all(np.bincount(labels[draw]).tolist() == [2, 2, 2] for draw in draws)
    assert len({tuple(draw) for draw in draws}) > 1
    assert all((a == b).all() for a, b in zip(draws, few_label_draws(labels, 2, draws=4, seed=1)))


def test_few_labels_are_worse_than_all_and_have_a_deviation():
    bank, labels = blobs(300, 2.0)
    queries, query_labels = blobs(600, 2.0, seed=1)
    everything, _ = linear_probe_accuracy(bank, labels, queries, query_labels)
    few, deviation = linear_probe_accuracy(bank, labels, queries, query_labels, labels_per_class=1, draws=5)
    assert few < everything and deviation > 0


def test_class_with_too_few_samples_is_named():
    with pytest.raises(ValueError, match='class 1 has 1 samples'):
        few_label_draws(np.array([0, 0, 1]), 2, draws=1)


def test_constant_feature_does_no_harm():
    bank, labels = blobs(30, 0.1)
    bank = np.column_stack([bank, np.full(30, 7.0)])
    assert linear_probe_accuracy(bank, labels, bank, labels)[0] == 100.0
