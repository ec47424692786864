"""Intervals on a time line: overlap, suppression, and average precision at thresholds of overlap."""

from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor


def pairwise_temporal_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union ``[M, N]`` of intervals ``[M, 2]`` and ``[N, 2]`` of seconds; 0 for two points."""
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    low = np.maximum(first[:, None, 0], second[None, :, 0])
    high = np.minimum(first[:, None, 1], second[None, :, 1])
    inside = (high - low).clip(min=0)
    union = (first[:, 1] - first[:, 0])[:, None] + (second[:, 1] - second[:, 0])[None] - inside
    return np.divide(inside, union, out=np.zeros_like(inside), where=union > 0)


def widen(intervals: np.ndarray, least: float = 1e-3) -> np.ndarray:
    """Intervals ``[M, 2]`` of which none is shorter than ``least`` seconds; short ones end later."""
    intervals = np.array(intervals, dtype=np.float64).reshape(-1, 2)
    intervals[:, 1] = np.maximum(intervals[:, 1], intervals[:, 0] + least)
    return intervals


def runs_from_mask(mask: np.ndarray) -> np.ndarray:
    """Maximal runs of true values of ``mask [N]``: ``[R, 2]``, first and last index, both inside."""
    padded = np.concatenate([[False], np.asarray(mask, dtype=bool), [False]])
    changes = np.diff(padded.astype(np.int8))
    return np.stack([np.flatnonzero(changes == 1), np.flatnonzero(changes == -1) - 1], axis=1)


def merge_intervals(intervals: np.ndarray) -> np.ndarray:
    """The union of intervals ``[M, 2]`` as disjoint ones ``[K, 2]``, ascending."""
    intervals = np.asarray(intervals, dtype=np.float64).reshape(-1, 2)
    intervals = intervals[np.argsort(intervals[:, 0], kind='stable')]
    reach = np.maximum.accumulate(intervals[:, 1]) if len(intervals) else intervals[:, 1]
    begins = np.concatenate([[True], intervals[1:, 0] > reach[:-1]]) if len(intervals) else np.zeros(0, bool)
    ends = np.concatenate([np.flatnonzero(begins)[1:] - 1, [len(intervals) - 1]]).astype(int) if len(intervals) else []
    return np.stack([intervals[begins, 0], reach[ends]], axis=1)


def set_iou(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two sets of seconds, each a union of intervals ``[M, 2]``; 0 if both are empty."""
    first, second = merge_intervals(first), merge_intervals(second)
    low = np.maximum(first[:, None, 0], second[None, :, 0])
    inside = (np.minimum(first[:, None, 1], second[None, :, 1]) - low).clip(min=0).sum()
    union = np.diff(first, axis=1).sum() + np.diff(second, axis=1).sum() - inside
    return float(inside / union) if union > 0 else 0.0


def temporal_nms(
    segments: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float = 0.5, soft_sigma: Optional[float] = None
) -> Tuple[Tensor, Tensor]:
    """Non-maximum suppression of segments of the same label, by mmcv's operator on boxes of height 1.

    Args:
        segments: ``[M, 2]`` seconds. Two segments without length do not overlap.
        scores: ``[M]``.
        labels: ``[M]`` integers.
        iou_threshold: Overlap from which the weaker one is dropped.
        soft_sigma: Lower scores by a Gaussian of this width (soft-NMS, Bodla et al., 2017) instead of dropping.

    Returns:
        Indices ``[K]`` of what is kept, best first, and their scores ``[K]``.
    """
    if len(segments) == 0:
        return torch.zeros(0, dtype=torch.long, device=segments.device), scores
    from mmcv.ops import batched_nms

    segments = segments.float()
    boxes = torch.stack(
        [segments[:, 0], torch.zeros_like(scores), segments[:, 1], torch.ones_like(scores)], dim=1
    ).float()
    cfg = dict(type='nms', iou_threshold=iou_threshold)
    if soft_sigma is not None:
        cfg = dict(type='soft_nms', iou_threshold=iou_threshold, sigma=soft_sigma, method='gaussian', min_score=1e-3)
    found, keep = batched_nms(boxes, scores.float(), labels, cfg)
    return keep, found[:, 4]


def match_to_truth(ious: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Which predictions of a clip are right: booleans ``[T, P]``.

    In the given order, a prediction takes the free truth of highest overlap if that reaches the threshold.

    Args:
        ious: ``[P, G]``, predictions by descending score.
        thresholds: T thresholds.
    """
    bounds = np.asarray(thresholds, dtype=np.float64)
    rows = np.arange(len(bounds))
    free = np.ones((len(bounds), ious.shape[1]), dtype=bool)
    hits = np.zeros((len(bounds), len(ious)), dtype=bool)
    if ious.shape[1] == 0:
        return hits
    for index, row in enumerate(ious):
        values = np.where(free, row, -1.0)
        best = values.argmax(axis=1)
        hits[:, index] = values[rows, best] >= bounds
        free[rows[hits[:, index]], best[hits[:, index]]] = False
    return hits


def segment_average_precision(
    scores: List[np.ndarray], ious: List[np.ndarray], thresholds: Sequence[float]
) -> np.ndarray:
    """Average precision ``[T]`` of the predictions of one class at thresholds of overlap.

    As ``compute_average_precision_detection`` of mmaction2 (that of ActivityNet), for any measure of overlap:
    predictions of all clips by descending score (stable), a greedy match within each clip, and the area under the
    envelope of precision over recall.

    Args:
        scores: For each clip ``[P]``.
        ious: For each clip the overlap ``[P, G]`` of its predictions with the truth.
        thresholds: T thresholds of overlap.

    Raises:
        ValueError: no truth in any clip.
    """
    total = sum(each.shape[1] for each in ious)
    if total == 0:
        raise ValueError('average precision of a class without truth is undefined; leave the class out')
    hits, ordered = [], []
    for values, overlap in zip(scores, ious):
        order = np.argsort(-np.asarray(values), kind='stable')
        hits.append(match_to_truth(overlap[order], thresholds))
        ordered.append(np.asarray(values)[order])
    order = np.argsort(-np.concatenate(ordered), kind='stable')
    right = np.concatenate(hits, axis=1)[:, order].cumsum(axis=1)
    if right.shape[1] == 0:
        return np.zeros(len(thresholds))
    precision, recall = right / np.arange(1, right.shape[1] + 1), right / total
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    return (envelope * np.diff(recall, axis=1, prepend=0.0)).sum(axis=1)
