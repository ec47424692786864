"""Streams of skeleton features: seen from key joints, as bones, as motion.

Each transform adds ``results['streams'][name]``, float64 ``[M, T, V, C]`` on the original time line. Absent persons are
zero. :class:`SkeletonImageEncode` samples the streams at the key times.
"""

from typing import Any, Dict, Optional, Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.datasets.transforms.functional.inverse_cdf import sample_at_times
from vlplugins.datasets.transforms.skeleton_normalize import nearest_present
from vlplugins.registry import TRANSFORMS
from vlplugins.structures.skeleton_layout import get_layout


@TRANSFORMS.register_module()
class KeyJointEnhance(BaseTransform):
    """Joints as seen from the key joints: for each key joint k, ``gain * (X[m, t, v] - X[r, t, k])``.

    Args:
        layout: Layout of the joints.
        key_joints: Indices of the key joints; ``'layout'`` takes those of the layout, ``None`` none at all: the stream
            is then the joints themselves.
        reference: Whose key joints: ``'main'``: those of person 0 (at the nearest frame in which they are present);
            ``'self'``: each person's own, which hides how persons stand to each other.
        gain: Factor, so that values are of the order of one.
        name: Name of the stream.

    Raises:
        ValueError: an unknown reference, or joints that the layout does not have.
    """

    def __init__(
        self,
        layout: Any = 'nturgb+d',
        key_joints: Any = 'layout',
        reference: str = 'main',
        gain: float = 0.5,
        name: str = 'key',
    ) -> None:
        self.layout = get_layout(layout)
        self.key_joints: Optional[Sequence[int]] = key_joints
        if key_joints == 'layout':
            self.key_joints = self.layout.key_joints
        if self.key_joints is not None and not all(0 <= each < self.layout.num_joints for each in self.key_joints):
            raise ValueError(f'key_joints {self.key_joints} are not joints of {self.layout.name!r}')
        if reference not in ('main', 'self'):
            raise ValueError(f"reference {reference!r} is unknown; expected 'main' or 'self'")
        self.reference, self.gain, self.name = reference, gain, name

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the stream, 3 channels for each key joint."""
        points, presence = results['keypoint'], results['presence']
        self.layout.check(points)
        stream = points
        if self.key_joints is not None:
            seen_from = points[:, :, list(self.key_joints)]
            if self.reference == 'main':
                seen_from = seen_from[:1, nearest_present(presence[0])]
            # [M, T, V, 1, 3] less [R, T, 1, K, 3].
            stream = (points[:, :, :, None] - seen_from[:, :, None]).reshape(*points.shape[:3], -1)
        results.setdefault('streams', {})[self.name] = np.where(presence[..., None, None], self.gain * stream, 0.0)
        return results


def bone_vectors(points: np.ndarray, parents: Sequence[int]) -> np.ndarray:
    """Each joint less its parent, ``[..., V, 3]``; zero for the root."""
    return points - points[..., list(parents), :]


def unit_bones(bones: np.ndarray, eps: float = 1e-6) -> np.ndarray:
    """Directions of ``[..., 3]``; zero where a bone is not longer than ``eps``."""
    length = np.linalg.norm(bones, axis=-1, keepdims=True)
    return np.where(length > eps, bones / np.maximum(length, eps), 0.0)


@TRANSFORMS.register_module()
class BoneVectorEnhance(BaseTransform):
    """Bones: the direction from parent to joint, which tells the posture without the proportions of the body.

    Args:
        layout: Layout of the joints.
        normalize: Unit vectors; otherwise bones keep their length.
        with_length: Add a channel, the length relative to the median of the bone in the clip, less 1.
        name: Name of the stream.
    """

    def __init__(
        self, layout: Any = 'nturgb+d', normalize: bool = True, with_length: bool = False, name: str = 'bone'
    ) -> None:
        self.layout, self.normalize, self.with_length, self.name = get_layout(layout), normalize, with_length, name

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the stream, 3 channels, or 4 with the length."""
        points, presence = results['keypoint'], results['presence']
        self.layout.check(points)
        bones = bone_vectors(points, self.layout.parents)
        stream = unit_bones(bones) if self.normalize else bones
        if self.with_length:
            stream = np.concatenate([stream, self._relative_length(bones, presence)], axis=-1)
        results.setdefault('streams', {})[self.name] = np.where(presence[..., None, None], stream, 0.0)
        return results

    @staticmethod
    def _relative_length(bones: np.ndarray, presence: np.ndarray) -> np.ndarray:
        length = np.linalg.norm(bones, axis=-1)
        known = np.where(presence[..., None], length, np.nan)
        # A slot without anybody has no median; its channel is zero in the end.
        known[~presence.any(axis=1)] = 0.0
        median = np.nanmedian(known, axis=1, keepdims=True)
        return np.where(median > 1e-6, length / np.maximum(median, 1e-6) - 1, 0.0)[..., None]


def central_differences(values: np.ndarray, presence: np.ndarray, times: np.ndarray, scale: int) -> np.ndarray:
    """Velocity by the frames ``scale`` before and after, at the ends of the clip by what there is.

    Args:
        values: ``[M, T, V, C]``.
        presence: Booleans ``[M, T]``.
        times: ``[T]``.
        scale: Frames to each side.

    Returns:
        ``[M, T, V, C]`` per unit of time; zero where the person is absent at one of the two frames, and with one frame.
    """
    frames = np.arange(values.shape[1])
    before, after = np.maximum(frames - scale, 0), np.minimum(frames + scale, values.shape[1] - 1)
    span = times[after] - times[before]
    known = (presence[:, before] & presence[:, after] & (span > 0))[..., None, None]
    return np.where(known, (values[:, after] - values[:, before]) / np.where(span > 0, span, 1)[:, None, None], 0.0)


@TRANSFORMS.register_module()
class TemporalEnhance(BaseTransform):
    """Velocities at several scales, by central differences on the original time line.

    The order matters: between key frames everything moves alike, so that differences of rows (``after_sampling``, for
    ablation) cannot tell slow from fast.

    Args:
        layout: Layout of the joints.
        scales: Frames to each side of a difference; one set of channels for each.
        gain: Factor, so that values are of the order of one.
        source: ``'joint'``, ``'bone'`` (directions) or ``'both'``.
        per_second: Per second instead of per frame, by the record's ``fps`` (30 where it has none).
        with_time: Add a channel: how much the key times stretch time there.
        after_sampling: Differences of neighbouring rows of the image, in units of the mean distance of rows.
        name: Name of the stream.

    Raises:
        ValueError: no scale, one below 1, or an unknown source.
    """

    def __init__(
        self,
        layout: Any = 'nturgb+d',
        scales: Sequence[int] = (1, 4),
        gain: float = 8.0,
        source: str = 'joint',
        per_second: bool = False,
        with_time: bool = False,
        after_sampling: bool = False,
        name: str = 'motion',
    ) -> None:
        if not scales or min(scales) < 1:
            raise ValueError(f'scales {tuple(scales)} must be numbers of frames of at least 1')
        if source not in ('joint', 'bone', 'both'):
            raise ValueError(f"source {source!r} is unknown; expected 'joint', 'bone' or 'both'")
        self.layout, self.scales, self.gain, self.source = get_layout(layout), tuple(scales), gain, source
        self.per_second, self.with_time, self.after_sampling, self.name = per_second, with_time, after_sampling, name

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the stream, 3 channels for each scale and source."""
        points, presence = results['keypoint'], results['presence']
        self.layout.check(points)
        values = {
            'joint': lambda: [points],
            'bone': lambda: [unit_bones(bone_vectors(points, self.layout.parents))],
            'both': lambda: [points, unit_bones(bone_vectors(points, self.layout.parents))],
        }[self.source]()
        gain = self.gain * (results.get('fps', 30.0) if self.per_second else 1.0)
        if self.after_sampling:
            stream = gain * self._row_differences(np.concatenate(values, axis=-1), presence, results['key_times'])
            results.setdefault('row_streams', {})[self.name] = stream
        else:
            times = results['frame_times']
            parts = [central_differences(each, presence, times, scale) for scale in self.scales for each in values]
            results.setdefault('streams', {})[self.name] = gain * np.concatenate(parts, axis=-1)
        if self.with_time:
            results.setdefault('timed_streams', set()).add(self.name)
        return results

    def _row_differences(self, values: np.ndarray, presence: np.ndarray, key_times: np.ndarray) -> np.ndarray:
        """``[clips, M, L, V, C]`` of differences between rows."""
        rows = sample_at_times(values, presence, key_times)
        there = sample_at_times(presence[..., None].astype(float), presence, key_times)[..., 0] > 0
        length = rows.shape[2]
        distance = max((values.shape[1] - 1) / (length - 1), 1e-6)
        clock = np.arange(length) * distance
        parts = [
            np.stack([central_differences(clip, shown, clock, scale) for clip, shown in zip(rows, there)])
            for scale in self.scales
        ]
        return np.concatenate(parts, axis=-1)
