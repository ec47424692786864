"""Geometric augmentation."""

from typing import Any, Dict, Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomAffine(BaseTransform):
    """Random affine map about the centre of the image, bilinear, in one warp; the size stays.

    A point is scaled per axis, sheared, rotated, and shifted, in this order.

    Args:
        scale: Range of the scale of each axis.
        rotation: Largest angle, in radian, to either side.
        shear: Largest shear, to either side.
        shift: Largest shift along each axis, to either side, as share of the size.
        fill: Value of the background.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: a scale range that is empty or not positive, or a negative bound.
    """

    def __init__(
        self,
        scale: Tuple[float, float] = (0.8, 1.25),
        rotation: float = 0.35,
        shear: float = 0.25,
        shift: float = 0.2,
        fill: float = 0,
        rng: Any = np.random,
    ) -> None:
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f'scale {scale} must be a range of positive numbers')
        for name, bound in dict(rotation=rotation, shear=shear, shift=shift).items():
            if bound < 0:
                raise ValueError(f'{name} {bound} must not be negative')
        self.scale, self.rotation, self.shear, self.shift = tuple(scale), rotation, shear, shift
        self.fill, self.rng = fill, rng

    def _matrix(self, height: int, width: int) -> np.ndarray:
        """Map ``[2, 3]`` from input to output pixels."""
        low = (self.scale[0], self.scale[0], -self.rotation, -self.shear, -self.shift, -self.shift)
        high = (self.scale[1], self.scale[1], self.rotation, self.shear, self.shift, self.shift)
        scale_x, scale_y, angle, shear, shift_x, shift_y = self.rng.uniform(low, high)
        cos, sin = np.cos(angle), np.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[scale_x, shear * scale_y], [0, scale_y]])
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        offset = centre - linear @ centre + np.array([shift_x * width, shift_y * height])
        return np.column_stack([linear, offset])

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Warp ``img``."""
        image = results['img']
        height, width = image.shape[:2]
        matrix = self._matrix(height, width)
        results['img'] = cv2.warpAffine(
            image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(self.fill,) * 4
        )
        return results
