"""Normalisation of view and body size of skeletons."""

import logging
from typing import Any, Dict, Tuple

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from vlplugins.datasets.formats.skeleton_record import check_keypoint, record_name
from vlplugins.registry import TRANSFORMS
from vlplugins.structures.skeleton_layout import SkeletonLayout, get_layout
from vlplugins.utils.records import RecordError

_HALF_METRE = 0.5


def body_frames(
    points: np.ndarray, layout: SkeletonLayout, view: str = 'full', eps: float = 1e-6
) -> Tuple[np.ndarray, np.ndarray]:
    """Axes of the body in each frame: x to the person's left, y up, z to the front.

    Gram-Schmidt: y is the direction from hip to neck, x the direction from right to left (shoulders plus hips) made
    orthogonal to it, z their cross product. Exact under any rotation, translation and scale of the points.

    Args:
        points: ``[T, V, 3]``.
        layout: Layout of the joints.
        view: ``'full'``, or ``'yaw'``: y stays that of the camera, x is the left without its vertical part.
        eps: Lengths below are none.

    Returns:
        Rotations ``[T, 3, 3]`` of determinant 1, whose rows are the axes, and booleans ``[T]``: whether the frame has
        axes (the others are the identity).
    """
    at = {name: points[:, joint] for name, joint in layout.anchors.items()}
    up = at['neck'] - at['hip'] if view == 'full' else np.broadcast_to([0.0, 1.0, 0.0], (len(points), 3))
    tall = np.linalg.norm(up, axis=1, keepdims=True)
    y = up / np.maximum(tall, eps)
    left = at['left_shoulder'] - at['right_shoulder'] + at['left_hip'] - at['right_hip']
    left = left - (left * y).sum(axis=1, keepdims=True) * y
    wide = np.linalg.norm(left, axis=1, keepdims=True)
    x = left / np.maximum(wide, eps)
    valid = (tall >= eps)[:, 0] & (wide >= eps)[:, 0]
    axes = np.stack([x, y, np.cross(x, y)], axis=1)
    return np.where(valid[:, None, None], axes, np.eye(3)), valid


def torso_lengths(points: np.ndarray, layout: SkeletonLayout) -> np.ndarray:
    """Distance ``[...]`` from hip to neck of ``[..., V, 3]``."""
    return np.linalg.norm(points[..., layout.anchors['neck'], :] - points[..., layout.anchors['hip'], :], axis=-1)


def nearest_present(presence: np.ndarray) -> np.ndarray:
    """For each frame of ``[T]`` booleans the nearest one that is true, the earlier one of two: indices ``[T]``."""
    there = np.flatnonzero(presence)
    place = np.searchsorted(there, np.arange(len(presence)))
    before, after = there[np.maximum(place - 1, 0)], there[np.minimum(place, len(there) - 1)]
    frames = np.arange(len(presence))
    return np.where(np.abs(after - frames) < np.abs(frames - before), after, before)


@TRANSFORMS.register_module()
class BodyFrameNormalize(BaseTransform):
    """Expresses all persons in the body frame and torso length of the main person.

    ``X' = R (X - c) / s`` for every person who is present, with R, c, s of person 0 for all; absent entries stay zero.
    Sets ``keypoint``, ``body_rotation [3, 3]``, ``body_origin [3]``, ``body_scale``. Needs :class:`SanitizeSkeleton`
    before it.

    Args:
        layout: Layout of the joints: a name, or the arguments of a :class:`SkeletonLayout`.
        view: ``'full'``: axes of the body in the first frame that has them; ``'yaw'``: turned about the vertical alone,
            so that lying and standing stay different; ``'none'``: axes of the camera.
        size: ``'torso'``: the median length from hip to neck is 1; ``'none'``: half a metre is 1.
        origin: ``'first'``: the main person's origin joint in the reference frame; ``'per_frame'``: in each frame (the
            path of the body is lost); ``'none'``: that of the camera.
        eps: Lengths below are none.

    Raises:
        RecordError: (while reading) another number of joints, a torso of no length, or one of more than 5, as
            millimetres have.
        ValueError: an unknown option.
    """

    def __init__(
        self,
        layout: Any = 'nturgb+d',
        view: str = 'full',
        size: str = 'torso',
        origin: str = 'first',
        eps: float = 1e-6,
    ) -> None:
        known = dict(view=('full', 'yaw', 'none'), size=('torso', 'none'), origin=('first', 'per_frame', 'none'))
        for name, value in dict(view=view, size=size, origin=origin).items():
            if value not in known[name]:
                raise ValueError(f'{name} {value!r} is unknown; expected one of {known[name]}')
        self.layout, self.view, self.size, self.origin, self.eps = get_layout(layout), view, size, origin, eps
        self.num_without_frame = 0

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Normalise ``keypoint``."""
        points, presence = results['keypoint'], results['presence']
        file, record = record_name(results)
        check_keypoint(points, file, record)
        self.layout.check(points, file, record)
        main, there = points[0], np.flatnonzero(presence[0])
        scale = self._scale(main[there], file, record)
        rotation, reference = self._reference(main[there], record)
        centre = self._centre(main, presence[0], there[reference])
        shown = presence[:, :, None, None]
        results['keypoint'] = np.where(shown, (points - centre) @ rotation.T / scale, 0.0)
        results.update(body_rotation=rotation, body_origin=centre.reshape(-1, 3)[0], body_scale=scale)
        return results

    def _scale(self, main: np.ndarray, file: str, record: Any) -> float:
        torso = float(np.median(torso_lengths(main, self.layout)))
        if torso > 5:
            raise RecordError(file, f'a torso of {torso:.0f}', 'metres (divide millimetres by 1000)', record)
        if self.size == 'none':
            return _HALF_METRE
        if torso < self.eps:
            raise RecordError(file, 'a torso of no length', 'hip and neck at different places', record)
        return torso

    def _reference(self, main: np.ndarray, record: Any) -> Tuple[np.ndarray, int]:
        """Rotation, and the frame that it is from."""
        if self.view == 'none':
            return np.eye(3), 0
        axes, valid = body_frames(main, self.layout, self.view, self.eps)
        if not valid.any():
            self.num_without_frame += 1
            if self.num_without_frame == 1:
                print_log(
                    f'{record}: no frame has a left and a right; the view is kept (further ones are counted alone)',
                    logger='current',
                    level=logging.WARNING,
                )
            return np.eye(3), 0
        first = int(valid.argmax())
        return axes[first], first

    def _centre(self, main: np.ndarray, presence: np.ndarray, reference: int) -> np.ndarray:
        """Origin, ``[3]`` or for each frame ``[1, T, 1, 3]``."""
        if self.origin == 'none':
            return np.zeros(3)
        track = main[:, self.layout.origin]
        if self.origin == 'first':
            return track[reference]
        return track[nearest_present(presence)][None, :, None]


@TRANSFORMS.register_module()
class ChangeSkeletonView(BaseTransform):
    """Turns and resizes a raw sequence, as another camera would see another person: to test robustness.

    Person and frame stay where they are in the data: the turn is about the vertical through the middle of all points.

    Args:
        yaw: Degrees about the vertical.
        pitch: Degrees about the camera's x axis, after the yaw.
        scale: Factor of all coordinates about that middle.
    """

    def __init__(self, yaw: float = 0.0, pitch: float = 0.0, scale: float = 1.0) -> None:
        self.yaw, self.pitch, self.scale = yaw, pitch, scale
        turn, tilt = np.radians([yaw, pitch])
        about_y = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
        about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
        self.matrix = np.array(about_x) @ np.array(about_y) * scale

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Turn ``keypoint [M, T, V, 3]``; what is zero stays zero."""
        points = results['keypoint'].astype(np.float64)
        there = (points != 0).any(axis=(2, 3))
        middle = points[there].mean(axis=(0, 1)) if there.any() else np.zeros(3)
        turned = (points - middle) @ self.matrix.T + middle
        results['keypoint'] = np.where(there[..., None, None], turned, points)
        return results
