"""Cleaning of skeleton sequences: bad values, presence, order of persons."""

from typing import Any, Dict

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.datasets.formats.skeleton_record import check_keypoint, record_name
from vlplugins.registry import TRANSFORMS
from vlplugins.utils.records import RecordError


def fill_gaps(points: np.ndarray, presence: np.ndarray, times: np.ndarray, max_gap: int) -> None:
    """Fill short gaps of each person linearly over time, in place.

    Args:
        points: ``[M, T, V, 3]``.
        presence: Booleans ``[M, T]``; filled frames become true.
        times: ``[T]``.
        max_gap: Longest gap in frames.
    """
    for person in range(len(points)):
        there = np.flatnonzero(presence[person])
        gaps = np.diff(there) - 1
        for place in np.flatnonzero((gaps > 0) & (gaps <= max_gap)):
            first, last = there[place], there[place + 1]
            inside = np.arange(first + 1, last)
            share = ((times[inside] - times[first]) / (times[last] - times[first]))[:, None, None]
            points[person, inside] = (1 - share) * points[person, first] + share * points[person, last]
            presence[person, inside] = True


def motion_of(points: np.ndarray, presence: np.ndarray) -> np.ndarray:
    """Motion ``[M]`` of each person: variances over the present frames, summed over joints and coordinates."""
    mask = presence[:, :, None, None]
    count = np.maximum(presence.sum(axis=1), 1)[:, None, None]
    mean = (points * mask).sum(axis=1) / count
    return (np.square(points - mean[:, None]) * mask).sum(axis=(1, 2, 3)) / count[:, 0, 0]


@TRANSFORMS.register_module()
class SanitizeSkeleton(BaseTransform):
    """Repairs a skeleton sequence, says who is present when, and puts the person who moves most first.

    Takes ``keypoint [M, T, V, 3]``, where an absent person is all zero. Sets ``keypoint`` (float64, without frames in
    which nobody is present), ``presence`` (booleans ``[M, T]``), ``frame_times`` (``[T]``, places of the kept frames in
    the clip; from ``frame_numbers`` where the record has them, in units of ``frame_step``), ``total_frames``,
    ``num_repaired`` (values that were interpolated).

    Args:
        num_person: Persons kept, those with the largest motion first; ties keep their order.
        max_gap: A person who is absent for so many frames or fewer is filled in linearly.
        on_nan: What to do with values that are not finite: ``'raise'``, or ``'interpolate'`` along time.
        max_nan_ratio: Share of such values of a person up to which they are interpolated.
        frame_step: Usual step of ``frame_numbers``.

    Raises:
        RecordError: (while reading) another shape, nobody at all, or values that are not finite.
        ValueError: an unknown ``on_nan``.
    """

    def __init__(
        self,
        num_person: int = 2,
        max_gap: int = 5,
        on_nan: str = 'raise',
        max_nan_ratio: float = 0.1,
        frame_step: float = 2.0,
    ) -> None:
        if on_nan not in ('raise', 'interpolate'):
            raise ValueError(f"on_nan {on_nan!r} is unknown; expected 'raise' or 'interpolate'")
        if num_person < 1 or max_gap < 0 or frame_step <= 0:
            raise ValueError(f'num_person {num_person}, max_gap {max_gap}, frame_step {frame_step} must be positive')
        self.num_person, self.max_gap = num_person, max_gap
        self.on_nan, self.max_nan_ratio, self.frame_step = on_nan, max_nan_ratio, frame_step

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Clean one record."""
        file, record = record_name(results)
        check_keypoint(results['keypoint'], file, record)
        # Differences come later: the steps of half precision (1 mm) are left behind here.
        points = results['keypoint'].astype(np.float64)
        times = self._times(results, points.shape[1])
        results['num_repaired'] = self._repair(points, times, file, record)
        presence = (points != 0).any(axis=(2, 3))
        kept = presence.any(axis=0)
        if not kept.any():
            raise RecordError(file, 'nobody in any frame', 'a person in at least one frame', record)
        points, presence, times = points[:, kept], presence[:, kept], times[kept]
        fill_gaps(points, presence, times, self.max_gap)
        present = np.flatnonzero(presence.any(axis=1))
        order = present[np.argsort(-motion_of(points[present], presence[present]), kind='stable')][: self.num_person]
        points, presence = points[order], presence[order]
        kept = presence.any(axis=0)
        results.update(keypoint=points[:, kept], presence=presence[:, kept], frame_times=times[kept])
        results['total_frames'] = int(kept.sum())
        return results

    def _times(self, results: Dict[str, Any], length: int) -> np.ndarray:
        if 'frame_numbers' not in results:
            return np.arange(length, dtype=float)
        numbers = np.asarray(results['frame_numbers'], dtype=float)
        file, record = record_name(results)
        if numbers.shape != (length,) or np.any(np.diff(numbers) <= 0):
            found = f'frame_numbers {numbers.shape}'
            raise RecordError(file, found, f'{length} numbers that increase', record)
        return (numbers - numbers[0]) / self.frame_step

    def _repair(self, points: np.ndarray, times: np.ndarray, file: str, record: Any) -> int:
        """Interpolate values that are not finite, in place; returns how many there were."""
        bad = ~np.isfinite(points)
        total = int(bad.sum())
        if not total:
            return 0
        person, frame, joint, _ = np.argwhere(bad)[0]
        found = f'{total} values that are not finite, first at frame {frame}, joint {joint}, person {person}'
        if self.on_nan == 'raise':
            raise RecordError(file, found, "finite coordinates (or on_nan='interpolate')", record)
        # Frames in which a person is absent are zero, hence finite: they neither need nor give values.
        there = (np.where(bad, 0, points) != 0).any(axis=(2, 3)) | bad.any(axis=(2, 3))
        for index in np.flatnonzero(bad.any(axis=(1, 2, 3))):
            ratio = bad[index].sum() / max(there[index].sum() * points[index, 0].size, 1)
            if ratio > self.max_nan_ratio:
                raise RecordError(
                    file, f'{found}; {ratio:.0%} of its values', f'at most {self.max_nan_ratio:.0%}', record
                )
            for joint, axis in np.argwhere(bad[index].any(axis=0)):
                broken, track = bad[index, :, joint, axis], points[index, :, joint, axis]
                good = there[index] & ~broken
                if not good.any():
                    raise RecordError(file, f'joint {joint} is never finite', 'a value in some frame', record)
                track[broken] = np.interp(times[broken], times[good], track[good])
        return total


@TRANSFORMS.register_module()
class PadPersons(BaseTransform):
    """Adds persons who are never present, all zero, up to a number; needs :class:`SanitizeSkeleton` before it.

    An absent slot must not repeat a person: it would count twice wherever persons are compared or pooled.

    Args:
        num_person: Persons of the result.
    """

    def __init__(self, num_person: int = 2) -> None:
        self.num_person = num_person

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Pad ``keypoint`` and ``presence``."""
        missing = self.num_person - len(results['keypoint'])
        for key in ('keypoint', 'presence') if missing > 0 else ():
            padding = [(0, missing)] + [(0, 0)] * (results[key].ndim - 1)
            results[key] = np.pad(results[key], padding)
        return results
