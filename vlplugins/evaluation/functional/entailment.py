"""How well statements are judged: alone, and as pairs of what follows and what does not."""

from typing import Dict, Optional

import numpy as np


def entailment_accuracy(scores: np.ndarray, labels: np.ndarray, threshold: float = 0.5) -> Dict[str, float]:
    """``accuracy``, ``acc_real`` and ``acc_fake`` in per cent; NaN where there are none.

    A score of exactly the threshold counts as entailed.

    Args:
        scores: ``[N]``, 0 to 1.
        labels: ``[N]``, 1 for what is entailed.
        threshold: Score from which a statement counts as entailed.
    """
    right = (np.asarray(scores) >= threshold) == (np.asarray(labels) == 1)
    parts = dict(accuracy=right, acc_real=right[labels == 1], acc_fake=right[labels == 0])
    return {name: 100.0 * float(each.mean()) if len(each) else float('nan') for name, each in parts.items()}


def paired_accuracy(real: np.ndarray, fake: np.ndarray, threshold: float = 0.5) -> Dict[str, float]:
    """``pair_accuracy``: the true statement has the higher score (a tie does not count); ``consistency``: both right.

    Per cent. The first is a diagnosis: no figure of the literature is one of pairs.

    Args:
        real: Scores of the true statements, ``[P]``.
        fake: Scores of the false ones, ``[P]``.
        threshold: As in :func:`entailment_accuracy`.
    """
    if not len(real):
        return dict(pair_accuracy=float('nan'), consistency=float('nan'))
    both = (real >= threshold) & (fake < threshold)
    return dict(pair_accuracy=100.0 * float((real > fake).mean()), consistency=100.0 * float(both.mean()))


def binary_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean cross-entropy of probabilities, those of 0 and 1 cut by 1e-7."""
    scores = np.clip(np.asarray(scores, dtype=np.float64), 1e-7, 1 - 1e-7)
    return float(-np.where(np.asarray(labels) == 1, np.log(scores), np.log1p(-scores)).mean())


def area_under_curve(scores: np.ndarray, positives: np.ndarray) -> Optional[float]:
    """Area under the ROC curve, 0 to 1: how often a positive scores above a negative, ties as halves.

    Args:
        scores: ``[N]``.
        positives: ``[N]`` booleans.

    Returns:
        ``None`` where one side is empty.
    """
    # scipy.stats takes long to import, and is asked for here alone.
    from scipy.stats import rankdata

    count, others = int(positives.sum()), int((~positives).sum())
    if not count or not others:
        return None
    ranks = rankdata(scores)[positives].sum()
    return float((ranks - count * (count + 1) / 2) / (count * others))
