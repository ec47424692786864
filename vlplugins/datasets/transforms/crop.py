"""Crops and sizes of image classification."""

import math
from typing import Any, Dict, Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS

_INTERPOLATIONS = dict(bilinear=cv2.INTER_LINEAR, bicubic=cv2.INTER_CUBIC, area=cv2.INTER_AREA)


def _interpolation(name: str) -> int:
    if name not in _INTERPOLATIONS:
        raise ValueError(f'interpolation {name!r} is unknown; expected one of {sorted(_INTERPOLATIONS)}')
    return _INTERPOLATIONS[name]


@TRANSFORMS.register_module()
class RandomResizedCrop(BaseTransform):
    """Crops a random part of random size and shape, and resizes it to a square (Inception, Szegedy et al., 2015).

    The area is drawn uniformly, the aspect ratio log-uniformly; where ten draws do not fit into the image, the largest
    central part within the ratio is taken.

    Args:
        size: Side of the output, in pixels.
        scale: Range of the area, as share of the image.
        ratio: Range of width over height.
        interpolation: ``'bilinear'``, ``'bicubic'`` or ``'area'``.
        attempts: Draws before the central part is taken.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: an empty range, or an unknown interpolation.
    """

    def __init__(
        self,
        size: int,
        scale: Tuple[float, float] = (0.08, 1.0),
        ratio: Tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: str = 'bilinear',
        attempts: int = 10,
        rng: Any = np.random,
    ) -> None:
        for name, (low, high) in dict(scale=scale, ratio=ratio).items():
            if not 0 < low <= high:
                raise ValueError(f'{name} ({low}, {high}) must be a range of positive numbers')
        self.size, self.scale, self.ratio = size, tuple(scale), tuple(ratio)
        self.interpolation, self.attempts, self.rng = _interpolation(interpolation), attempts, rng

    def draw_box(self, height: int, width: int) -> Tuple[int, int, int, int]:
        """Draw ``(top, left, height, width)`` of a part of an image, in pixels."""
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        for _ in range(self.attempts):
            area = height * width * self.rng.uniform(*self.scale)
            aspect = math.exp(self.rng.uniform(low, high))
            w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < w <= width and 0 < h <= height:
                top = min(int(self.rng.uniform(0, height - h + 1)), height - h)
                left = min(int(self.rng.uniform(0, width - w + 1)), width - w)
                return top, left, h, w
        w = min(width, round(height * self.ratio[1]))
        h = min(height, round(width / self.ratio[0]))
        return (height - h) // 2, (width - w) // 2, h, w

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Crop and resize ``img``."""
        image = results['img']
        top, left, height, width = self.draw_box(*image.shape[:2])
        part = image[top : top + height, left : left + width]
        results['img'] = cv2.resize(part, (self.size, self.size), interpolation=self.interpolation)
        results['img_shape'] = (self.size, self.size)
        return results


@TRANSFORMS.register_module()
class ResizeEdge(BaseTransform):
    """Resizes the image so that one edge has a given length; the aspect ratio stays.

    Args:
        scale: Length, in pixels.
        edge: ``'short'`` or ``'long'``.
        interpolation: ``'bilinear'``, ``'bicubic'`` or ``'area'``.

    Raises:
        ValueError: an unknown edge or interpolation.
    """

    def __init__(self, scale: int, edge: str = 'short', interpolation: str = 'bilinear') -> None:
        if edge not in ('short', 'long'):
            raise ValueError(f"edge {edge!r} is unknown; expected 'short' or 'long'")
        self.scale, self.edge, self.interpolation = scale, edge, _interpolation(interpolation)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Resize ``img``."""
        height, width = results['img'].shape[:2]
        length = min(height, width) if self.edge == 'short' else max(height, width)
        size = (round(width * self.scale / length), round(height * self.scale / length))
        results['img'] = cv2.resize(results['img'], size, interpolation=self.interpolation)
        results['img_shape'] = size[::-1]
        return results
