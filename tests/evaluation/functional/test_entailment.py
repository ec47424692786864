import numpy as np
import pytest

from vlplugins.evaluation.functional.entailment import (
    area_under_curve,
    binary_cross_entropy,
    entailment_accuracy,
    paired_accuracy,
)


def test_a_score_of_the_threshold_is_entailed():
    found = entailment_accuracy(np.array([0.5, 0.5]), np.array([1, 0]))
    assert found == dict(accuracy=50.0, acc_real=100.0, acc_fake=0.0)
    assert np.isnan(entailment_accuracy(np.array([0.7]), np.array([1]))['acc_fake'])


def test_pairs_are_another_measure():
    real, fake = np.array([0.9, 0.4, 0.6, 0.7]), np.array([0.8, 0.3, 0.6, 0.1])
    found = paired_accuracy(real, fake)
    # The pair of equal scores is not right.
    assert found == dict(pair_accuracy=75.0, consistency=25.0)
    alone = entailment_accuracy(np.concatenate([real, fake]), np.repeat([1, 0], 4))
    assert alone['accuracy'] == pytest.approx(62.5)


def test_loss_is_finite_for_certain_scores():
    assert binary_cross_entropy(np.array([0.5, 0.25]), np.array([1, 0])) == pytest.approx((0.6931472 + 0.2876821) / 2)
    assert np.isfinite(binary_cross_entropy(np.array([0.0, 1.0]), np.array([1, 0])))


def test_area_equals_the_share_of_pairs():
    rng = np.random.default_rng(0)
    scores, positives = rng.integers(0, 5, 40).astype(float), rng.random(40) < 0.4
    wins = [(p > n) + 0.5 * (p == n) for p in scores[positives] for n in scores[~positives]]
    assert area_under_curve(scores, positives) == pytest.approx(np.mean(wins))
    assert area_under_curve(scores, np.zeros(40, bool)) is None
