"""Linear classification of frozen features."""

from typing import List, Optional, Tuple

import numpy as np

from vlplugins.utils.optional import require


def few_label_draws(labels: np.ndarray, labels_per_class: int, draws: int, seed: int = 0) -> List[np.ndarray]:
    """Draw sets of ``labels_per_class`` samples of every class.

    Args:
        labels: ``[M]`` integers.
        labels_per_class: Samples of each class in a draw.
        draws: Number of draws.
        seed: Seed; the same draws for the same labels.

    Returns:
        For each draw the sorted indices ``[classes * labels_per_class]``.

    Raises:
        ValueError: a class has too few samples; it is named.
    """
    rng = np.random.default_rng(seed)
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < labels_per_class:
        raise ValueError(f'class {classes[counts.argmin()]} has {counts.min()} samples, fewer than {labels_per_class}')
    members = [np.flatnonzero(labels == each) for each in classes]
    return [
        np.sort(np.concatenate([rng.choice(each, labels_per_class, replace=False) for each in members]))
        for _ in range(draws)
    ]


def linear_probe_accuracy(
    bank: np.ndarray,
    bank_labels: np.ndarray,
    queries: np.ndarray,
    query_labels: np.ndarray,
    labels_per_class: Optional[int] = None,
    draws: int = 5,
    l2: float = 1e-3,
    seed: int = 0,
    max_iter: int = 500,
) -> Tuple[float, float]:
    """Accuracy of multinomial logistic regression on features standardised by the bank.

    Minimises the mean cross-entropy plus ``l2 / 2`` times the squared norm of the weights, by L-BFGS (scikit-learn).
    With few labels the regression sees the drawn samples alone; mean and deviation of all bank features, which need
    no label, still standardise.

    Args:
        bank: Features to learn from, ``[M, D]``.
        bank_labels: ``[M]`` integers.
        queries: Features to classify, ``[N, D]``.
        query_labels: ``[N]`` integers.
        labels_per_class: Labels of each class to learn from; all by default.
        draws: Draws of few labels, over which is averaged.
        l2: Strength of the regularisation.
        seed: Seed of the draws.
        max_iter: Most iterations of the solver.

    Returns:
        Mean accuracy in per cent, and its standard deviation over the draws (0 with all labels).
    """
    linear_model = require('sklearn.linear_model', 'the linear probe')
    mean, std = bank.mean(axis=0), bank.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    bank, queries = (bank - mean) / std, (queries - mean) / std
    if labels_per_class is None:
        subsets = [np.arange(len(bank))]
    else:
        subsets = few_label_draws(bank_labels, labels_per_class, draws, seed)
    scores = []
    for subset in subsets:
        probe = linear_model.LogisticRegression(C=1.0 / (l2 * len(subset)), max_iter=max_iter)
        probe.fit(bank[subset], bank_labels[subset])
        scores.append(100.0 * probe.score(queries, query_labels))
    return float(np.mean(scores)), float(np.std(scores))
