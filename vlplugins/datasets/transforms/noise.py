"""Augmentation of pixel values that leaves the range of 8 bits."""

from typing import Any, Dict, Tuple

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomBrightness(BaseTransform):
    """Multiplies the image by a random factor; the result is float32 and is not clipped.

    Args:
        factor: Range of the factor.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: a range that is empty or negative.
    """

    def __init__(self, factor: Tuple[float, float] = (0.6, 1.4), rng: Any = np.random) -> None:
        if not 0 <= factor[0] <= factor[1]:
            raise ValueError(f'factor {factor} must be a range of numbers of at least 0')
        self.factor, self.rng = tuple(factor), rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Scale ``img``."""
        results['img'] = results['img'].astype(np.float32) * np.float32(self.rng.uniform(*self.factor))
        return results


@TRANSFORMS.register_module()
class AddGaussianNoise(BaseTransform):
    """Adds independent normal noise to each value; the result is float32 and is not clipped.

    Args:
        std: Standard deviation, in the range of the image (0..255).
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: a negative standard deviation.
    """

    def __init__(self, std: float, rng: Any = np.random) -> None:
        if std < 0:
            raise ValueError(f'std {std} must not be negative')
        self.std, self.rng = std, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add noise to ``img``."""
        image = results['img'].astype(np.float32)
        results['img'] = image + self.rng.normal(0, self.std, image.shape).astype(np.float32)
        return results
