"""How well segments of a video are found by sentences: recall at n and mean overlap."""

from typing import Dict, Sequence, Tuple

import numpy as np

from vlplugins.evaluation.functional.temporal import pairwise_temporal_iou


def recall_at(ious: Sequence[np.ndarray], top: int, threshold: float, strict: bool = False) -> float:
    """Share, in per cent, of the queries of which one of the first ``top`` predictions reaches an overlap.

    Args:
        ious: For each query the overlap ``[P]`` of its predictions with the truth, best prediction first; P may be
            less than ``top``, or 0.
        top: n.
        threshold: m of R@n,IoU=m.
        strict: More than the threshold is needed, not as much.
    """
    best = np.array([each[:top].max(initial=0.0) for each in ious])
    hits = best > threshold if strict else best >= threshold
    return 100.0 * float(hits.mean()) if len(best) else float('nan')


def grounding_scores(
    ious: Sequence[np.ndarray],
    topk: Sequence[int] = (1, 5),
    thresholds: Sequence[float] = (0.3, 0.5, 0.7),
    strict: bool = False,
) -> Dict[str, float]:
    """``R<n>@<m>`` for all n and m, and ``mIoU`` of the first predictions, in per cent; means over queries."""
    scores = {f'R{top}@{bound:g}': recall_at(ious, top, bound, strict) for top in topk for bound in thresholds}
    first = [float(each[0]) if len(each) else 0.0 for each in ious]
    return {**scores, 'mIoU': 100.0 * float(np.mean(first)) if first else float('nan')}


def best_fixed_segment(
    truth: np.ndarray, threshold: float = 0.5, steps: int = 20
) -> Tuple[Tuple[float, float], np.ndarray]:
    """The one answer to all queries with the highest recall: what a model can score that does not read its query.

    Args:
        truth: True segments ``[N, 2]`` as shares of the duration of their video.
        threshold: Overlap that counts.
        steps: The bounds are multiples of ``1 / steps``.

    Returns:
        The segment, and its overlap with each truth, ``[N]``.
    """
    grid = np.arange(steps + 1) / steps
    start, end = np.meshgrid(grid, grid, indexing='ij')
    candidates = np.stack([start, end], axis=-1)[start < end]
    ious = pairwise_temporal_iou(candidates, truth)
    # Of equal recall the higher mean overlap.
    order = np.lexsort([ious.mean(axis=1), (ious >= threshold).mean(axis=1)])
    best = int(order[-1])
    return tuple(candidates[best].tolist()), ious[best]
