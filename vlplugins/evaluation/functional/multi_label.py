"""Average precision of scores for several labels at once, by scikit-learn."""

from typing import Dict, List

import numpy as np

from vlplugins.utils.optional import require


def average_precisions(scores: np.ndarray, truth: np.ndarray) -> Dict[int, float]:
    """Average precision of each class that occurs, 0..1, by the number of the class.

    Not interpolated; equal scores count as one threshold, so that a constant score gives the share of positives.

    Args:
        scores: ``[L, C]``.
        truth: Booleans ``[L, C]``.
    """
    judge = require('sklearn.metrics', 'average precision').average_precision_score
    return {int(c): float(judge(truth[:, c], scores[:, c])) for c in np.flatnonzero(truth.any(axis=0))}


def within_clip_average_precision(scores: List[np.ndarray], truth: List[np.ndarray]) -> float:
    """Mean over clips and the classes in them of the average precision over the segments of the clip, 0..1.

    It judges where something is, given that it is there.

    Args:
        scores: For each clip ``[N, C]``.
        truth: For each clip booleans ``[N, C]``.

    Raises:
        ValueError: no class in any clip.
    """
    values = [value for one, true in zip(scores, truth) for value in average_precisions(one, true).values()]
    if not values:
        raise ValueError('no clip has a labelled segment')
    return float(np.mean(values))
