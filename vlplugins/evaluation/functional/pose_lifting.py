"""Errors of lifted poses, and the diversity of poses, on plain arrays."""

from typing import Dict, Optional, Sequence

import numpy as np


def align_similarity(predicted: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Predicted poses ``[N, V, 3]`` with the scale, rotation (no mirror) and place that bring them nearest to the
    target.

    A prediction whose joints are all one point has no rotation; it is put at the middle of the target.
    """
    predicted, target = (np.asarray(each, dtype=np.float64) for each in (predicted, target))
    middle, goal = predicted.mean(axis=1, keepdims=True), target.mean(axis=1, keepdims=True)
    centred, wanted = predicted - middle, target - goal
    left, singular, right = np.linalg.svd(centred.transpose(0, 2, 1) @ wanted)
    sign = np.ones_like(singular)
    sign[:, 2] = np.where(np.linalg.det(left @ right) < 0, -1.0, 1.0)
    rotation = (left * sign[:, None]) @ right
    spread = (centred**2).sum(axis=(1, 2))
    scale = np.where(spread > 1e-12, (singular * sign).sum(axis=1) / np.maximum(spread, 1e-12), 0.0)
    return scale[:, None, None] * (centred @ rotation) + goal


def joint_errors(
    predicted: np.ndarray, target: np.ndarray, joints: Optional[Sequence[int]] = None, align: bool = False
) -> np.ndarray:
    """Distances ``[N, V']`` of joints, of poses ``[N, V, 3]``, in their unit.

    Args:
        predicted: Poses relative to their roots.
        target: As many true ones.
        joints: The joints that count; all by default.
        align: First bring each prediction to its target (for PA-MPJPE), by the joints that count.
    """
    chosen = list(range(target.shape[1])) if joints is None else list(joints)
    predicted, target = np.asarray(predicted)[:, chosen], np.asarray(target)[:, chosen]
    if align:
        predicted = align_similarity(predicted, target)
    return np.linalg.norm(predicted - target, axis=2)


def pck(errors: np.ndarray, threshold: float) -> float:
    """Per cent of errors strictly below a threshold."""
    return 100.0 * float((errors < threshold).mean())


def auc(errors: np.ndarray, end: float = 150.0, steps: int = 31) -> float:
    """Mean PCK at thresholds evenly from 0 to ``end``; at 0 it is always 0, so that a perfect model has 96.774."""
    return float(np.mean([pck(errors, threshold) for threshold in np.linspace(0, end, steps)]))


def average_pairwise_distance(poses: np.ndarray, max_poses: int = 1000) -> float:
    """Mean over pairs of poses ``[N, V, 3]`` of the mean distance of their joints, in their unit.

    Args:
        poses: Poses that are aligned already.
        max_poses: The first so many are compared.
    """
    poses = np.asarray(poses, dtype=np.float64)[:max_poses]
    count = len(poses)
    if count < 2:
        return 0.0
    # |a - b|^2 of each joint from one matrix product.
    by_joint = poses.transpose(1, 0, 2)
    squares = (by_joint**2).sum(axis=2)
    distance = squares[:, :, None] + squares[:, None] - 2 * by_joint @ by_joint.transpose(0, 2, 1)
    distance = np.sqrt(np.maximum(distance, 0)).mean(axis=0)
    return float(distance[np.triu_indices(count, 1)].mean())


def angle_histograms(
    angles: np.ndarray, low: np.ndarray, high: np.ndarray, bins: Sequence[int] = (24, 12)
) -> Dict[str, float]:
    """How the angles ``[N, K, 2]`` of K bones fill their limits ``[K, 2]``.

    Returns:
        ``angle_entropy``: mean over bones of the entropy of the histogram over the limits, over its largest value;
        ``coverage``: mean share of bins that are not empty.
    """
    angles = np.asarray(angles, dtype=np.float64)
    total = int(np.prod(bins))
    share = (angles - low) / (high - low)
    index = np.clip((share * bins).astype(int), 0, np.array(bins) - 1)
    flat = index[..., 0] * bins[1] + index[..., 1]
    entropies, coverages = [], []
    for bone in flat.T:
        counts = np.bincount(bone, minlength=total)
        shares = counts[counts > 0] / counts.sum()
        entropies.append(-(shares * np.log(shares)).sum() / np.log(total))
        coverages.append((counts > 0).mean())
    return dict(angle_entropy=float(np.mean(entropies)), coverage=float(np.mean(coverages)))
