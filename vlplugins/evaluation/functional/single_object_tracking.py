"""How well one box follows its target through a video; boxes are ``[x, y, width, height]`` in pixels."""

from typing import Dict, Optional, Sequence, Tuple

import numpy as np

OVERLAPS = np.linspace(0, 1, 21)
NORMALISED_ERRORS = np.linspace(0, 0.5, 51)
# What a frame without a visible target has: never above a threshold of overlap, never below one of an error.
_NO_OVERLAP = -1.0


def overlaps_of(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """IoU ``[T]`` of pairs of boxes ``[T, 4]``; 0 where both have no area."""
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    inside = (high - low).clip(min=0).prod(axis=1)
    union = first[:, 2:].prod(axis=1) + second[:, 2:].prod(axis=1) - inside
    return np.divide(inside, union, out=np.zeros(len(first)), where=union > 0)


def repair_track(boxes: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Boxes ``[T, 4]`` as they are judged: the first is given, one without area repeats that before.

    Raises:
        ValueError: a number that is not finite, or a negative side; names the frame.
    """
    boxes = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    bad = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:] < 0).any(axis=1)
    if bad.any():
        frame = int(np.flatnonzero(bad)[0])
        raise ValueError(f'frame {frame} has the box {boxes[frame].tolist()}; expected finite numbers, sides from 0')
    boxes[0] = first
    sound = (boxes[:, 2:] > 0).all(axis=1)
    sound[0] = True
    return boxes[np.maximum.accumulate(np.where(sound, np.arange(len(boxes)), 0))]


def track_errors(
    boxes: np.ndarray, truth: np.ndarray, visible: Optional[np.ndarray] = None
) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Overlaps, centre errors in pixels, and centre errors as shares of the true sides, ``[T]`` each.

    Frames in which the target is not visible, or whose true box has no area, stay: with an overlap of -1 and infinite
    errors they count as failures.

    Args:
        boxes: Predictions ``[T, 4]``; the first is replaced by the truth.
        truth: ``[T, 4]``.
        visible: Booleans ``[T]``; all by default.

    Raises:
        ValueError: counts that differ, or as :func:`repair_track`.
    """
    truth = np.asarray(truth, dtype=np.float64).reshape(-1, 4)
    if len(boxes) != len(truth):
        raise ValueError(f'{len(boxes)} predicted boxes for {len(truth)} frames')
    boxes = repair_track(boxes, truth[0])
    judged = np.isfinite(truth).all(axis=1) & (truth[:, 2:] > 0).all(axis=1)
    if visible is not None:
        judged &= np.asarray(visible, dtype=bool)
    overlap, error, normalised = np.full(len(truth), _NO_OVERLAP), *np.full((2, len(truth)), np.inf)
    found, true = boxes[judged], truth[judged]
    overlap[judged] = overlaps_of(found, true)
    distance = found[:, :2] + found[:, 2:] / 2 - true[:, :2] - true[:, 2:] / 2
    error[judged] = np.linalg.norm(distance, axis=1)
    normalised[judged] = np.linalg.norm(distance / true[:, 2:], axis=1)
    return overlap, error, normalised


def success_curve(overlap: np.ndarray) -> np.ndarray:
    """Share of frames whose overlap is above each of 21 thresholds, 0 to 1."""
    return (overlap[:, None] > OVERLAPS).mean(axis=0)


def judge_track(
    boxes: np.ndarray, truth: np.ndarray, visible: Optional[np.ndarray] = None, norm_precision: str = 'at0.2'
) -> Dict[str, float]:
    """Measures of one sequence, in per cent.

    ``success`` is the mean of the success curve, ``OP50`` and ``OP75`` are its values at 0.5 and 0.75; ``precision``
    is the share of frames whose centre error is at most 20 pixels, and ``norm_precision`` that of the normalised error
    at 0.2, or with ``'auc'`` the mean of its curve up to 0.5 (the toolkit of LaSOT).

    Raises:
        ValueError: another ``norm_precision``, or as :func:`track_errors`.
    """
    if norm_precision not in ('at0.2', 'auc'):
        raise ValueError(f"norm_precision {norm_precision!r} is unknown; expected 'at0.2' or 'auc'")
    overlap, error, normalised = track_errors(boxes, truth, visible)
    curve = success_curve(overlap)
    thresholds = NORMALISED_ERRORS if norm_precision == 'auc' else np.array([0.2])
    shares = dict(
        success=curve.mean(),
        OP50=curve[10],
        OP75=curve[15],
        precision=(error <= 20).mean(),
        norm_precision=(normalised[:, None] <= thresholds).mean(),
    )
    return {name: 100 * float(share) for name, share in shares.items()}


def nearer_to_target(
    boxes: np.ndarray,
    truth: np.ndarray,
    others: np.ndarray,
    visible: Optional[np.ndarray] = None,
    min_distance: float = 1.0,
) -> np.ndarray:
    """Whether boxes are nearer to the target than to each other object, for the frames in which this says something.

    Those are all but the first in which the target is visible, and no other object is so near that the answer would be
    chance. A box in the middle between the two counts as a failure.

    Args:
        boxes: Predictions ``[T, 4]``.
        truth: ``[T, 4]``.
        others: Boxes of the other objects, ``[T, K, 4]``, K of at least 1.
        visible: Booleans ``[T]``; all by default.
        min_distance: Least distance of the middles of target and others, in roots of the area of the target.

    Returns:
        Booleans, one for each such frame.
    """
    middle, target, other = (each[..., :2] + each[..., 2:] / 2 for each in map(np.asarray, (boxes, truth, others)))
    sizes = np.sqrt(np.asarray(truth, dtype=np.float64)[:, 2:].prod(axis=1).clip(min=0))
    apart = np.linalg.norm(other - target[:, None], axis=2).min(axis=1)
    counted = (sizes > 0) & (apart >= min_distance * sizes)
    counted[0] = False
    if visible is not None:
        counted &= np.asarray(visible, dtype=bool)
    own = np.linalg.norm(middle - target, axis=1)
    foreign = np.linalg.norm(middle[:, None] - other, axis=2).min(axis=1)
    return (own < foreign)[counted]


def refinements(
    boxes: np.ndarray, proposals: np.ndarray, truth: np.ndarray, visible: Optional[np.ndarray] = None
) -> np.ndarray:
    """By how much the overlap of ``boxes [T, 4]`` is above that of the ``proposals [T, 4]`` they were made of.

    Of the frames behind the first in which the target is visible and its true box has area.
    """
    judged = track_errors(boxes, truth, visible)[0] >= 0
    judged[0] = False
    return overlaps_of(boxes[judged], truth[judged]) - overlaps_of(proposals[judged], truth[judged])


def got10k_overlaps(
    boxes: np.ndarray, truth: np.ndarray, image_size: Tuple[int, int], cover: Optional[Sequence[int]] = None
) -> np.ndarray:
    """Overlaps of the frames of one sequence that GOT-10k counts (Huang et al., TPAMI 2021).

    Boxes and truth are cut to the image; the first frame is left out, and so are those in which nothing of the target
    is to be seen.

    Args:
        boxes: Predictions ``[T, 4]``.
        truth: ``[T, 4]``.
        image_size: Width and height in pixels.
        cover: Eighths of the target that are visible, 0..8, of each frame; all of it by default.

    Raises:
        ValueError: counts that differ, or as :func:`repair_track`.
    """
    truth = np.asarray(truth, dtype=np.float64).reshape(-1, 4)
    if len(boxes) != len(truth):
        raise ValueError(f'{len(boxes)} predicted boxes for {len(truth)} frames')
    counted = np.ones(len(truth), dtype=bool) if cover is None else np.asarray(cover) > 0
    counted[0] = False
    overlap = overlaps_of(_cut(repair_track(boxes, truth[0]), image_size), _cut(truth, image_size))
    return overlap[counted]


def _cut(boxes: np.ndarray, image_size: Tuple[int, int]) -> np.ndarray:
    low = boxes[:, :2].clip(min=0, max=image_size)
    high = (boxes[:, :2] + boxes[:, 2:]).clip(min=0, max=image_size)
    return np.concatenate([low, high - low], axis=1)


def judge_got10k(overlaps: Sequence[np.ndarray]) -> Dict[str, float]:
    """``AO`` (mean overlap), ``SR_0.5`` and ``SR_0.75`` (share of frames above) of the frames of all sequences; %."""
    pooled = np.concatenate(list(overlaps))
    shares = {'AO': pooled.mean(), 'SR_0.5': (pooled > 0.5).mean(), 'SR_0.75': (pooled > 0.75).mean()}
    return {name: 100 * float(share) for name, share in shares.items()}
