"""Augmentation of skeletons, in body coordinates.

These stand behind :class:`BodyFrameNormalize`: a turn or a factor before it is taken out again exactly.
"""

from typing import Any, Dict, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS
from vlplugins.structures.skeleton_layout import get_layout


@TRANSFORMS.register_module()
class RandomSkeletonRotate(BaseTransform):
    """Turns all persons about the origin by random angles.

    Args:
        max_rad: Largest angle about each of the three axes, radians.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(self, max_rad: float = 0.3, rng: Any = np.random) -> None:
        if max_rad < 0:
            raise ValueError(f'max_rad {max_rad} must not be negative')
        self.max_rad, self.rng = max_rad, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Turn ``keypoint``."""
        matrix = np.eye(3)
        for axis, angle in enumerate(self.rng.uniform(-self.max_rad, self.max_rad, 3)):
            one, other = [each for each in range(3) if each != axis]
            turn = np.eye(3)
            turn[one, one] = turn[other, other] = np.cos(angle)
            turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
            matrix = turn @ matrix
        results['keypoint'] = results['keypoint'] @ matrix.T
        return results


@TRANSFORMS.register_module()
class RandomSkeletonScale(BaseTransform):
    """Multiplies all coordinates by one random factor.

    Args:
        factor: Range of the factor.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(self, factor: Tuple[float, float] = (0.9, 1.1), rng: Any = np.random) -> None:
        if not 0 < factor[0] <= factor[1]:
            raise ValueError(f'factor {factor} must be a range of positive numbers')
        self.factor, self.rng = tuple(factor), rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Scale ``keypoint``."""
        results['keypoint'] = results['keypoint'] * self.rng.uniform(*self.factor)
        return results


@TRANSFORMS.register_module()
class RandomJointJitter(BaseTransform):
    """Adds normal noise to each coordinate of the persons that are present.

    Args:
        std: Deviation, in body units.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(self, std: float = 0.005, rng: Any = np.random) -> None:
        if std < 0:
            raise ValueError(f'std {std} must not be negative')
        self.std, self.rng = std, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add noise to ``keypoint``."""
        points = results['keypoint']
        noise = self.rng.normal(0, self.std, points.shape)
        results['keypoint'] = points + noise * results['presence'][..., None, None]
        return results


@TRANSFORMS.register_module()
class RandomTemporalCrop(BaseTransform):
    """Keeps a random stretch of the clip, in which the main person is present in some frame.

    Args:
        ratio: Range of the share that is kept.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(self, ratio: Tuple[float, float] = (0.7, 1.0), rng: Any = np.random) -> None:
        if not 0 < ratio[0] <= ratio[1] <= 1:
            raise ValueError(f'ratio {ratio} must be a range within 0..1')
        self.ratio, self.rng = tuple(ratio), rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Crop ``keypoint``, ``presence`` and ``frame_times``."""
        frames = results['keypoint'].shape[1]
        length = max(int(round(frames * self.rng.uniform(*self.ratio))), 1)
        start = int(self.rng.uniform(0, frames - length + 1))
        kept = slice(start, start + length)
        if not results['presence'][0, kept].any():
            return results
        results['keypoint'], results['presence'] = results['keypoint'][:, kept], results['presence'][:, kept]
        results['frame_times'] = results['frame_times'][kept]
        results['total_frames'] = length
        return results


@TRANSFORMS.register_module()
class RandomJointDrop(BaseTransform):
    """Puts random joints at the place of their parent for the whole clip, as a sensor that loses them would.

    Args:
        probability: Of each joint of each person.
        layout: Layout of the joints.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(self, probability: float = 0.02, layout: Any = 'nturgb+d', rng: Any = np.random) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f'probability {probability} must be between 0 and 1')
        self.probability, self.layout, self.rng = probability, get_layout(layout), rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Drop joints of ``keypoint``."""
        points = results['keypoint']
        dropped = self.rng.uniform(size=(len(points), 1, points.shape[2], 1)) < self.probability
        results['keypoint'] = np.where(dropped, points[:, :, list(self.layout.parents)], points)
        return results


@TRANSFORMS.register_module()
class SkeletonFlip(BaseTransform):
    """Mirrors all persons: left and right joints are exchanged, and the body's x changes its sign.

    Off by default everywhere: classes that name a side change with it.

    Args:
        probability: Of a clip.
        layout: Layout of the joints.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(self, probability: float = 0.5, layout: Any = 'nturgb+d', rng: Any = np.random) -> None:
        self.probability, self.layout, self.rng = probability, get_layout(layout), rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Mirror ``keypoint``."""
        if self.rng.uniform() < self.probability:
            points = results['keypoint'][:, :, list(self.layout.flip_indices)]
            results['keypoint'] = points * np.array([-1.0, 1.0, 1.0])
        return results
