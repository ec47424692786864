"""Photometric augmentation of 8-bit colour images in OpenCV's channel order (BGR)."""

from typing import Any, Dict, Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS

_LEVELS = np.arange(256, dtype=np.float32)

# Principal components of the colours of ImageNet (Krizhevsky et al., NeurIPS 2012), rows in BGR order.
_EIGENVALUES = np.array([55.4625, 4.7940, 1.1475])
_EIGENVECTORS = np.array([[-0.5836, -0.6948, 0.4203], [-0.5808, -0.0045, -0.8140], [-0.5675, 0.7192, 0.4009]])


def _blend(image: np.ndarray, factor: float, value: float) -> np.ndarray:
    """``factor * image + (1 - factor) * value``, clipped to 8 bits."""
    table = np.clip(factor * _LEVELS + (1 - factor) * value, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table)


def adjust_brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Blend with black."""
    return _blend(image, factor, 0)


def adjust_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Blend with the mean of the grey image."""
    mean = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).mean()
    return _blend(image, factor, int(mean + 0.5))


def adjust_saturation(image: np.ndarray, factor: float) -> np.ndarray:
    """Blend with the grey image."""
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, factor, grey, 1 - factor, 0)


def adjust_hue(image: np.ndarray, shift: float) -> np.ndarray:
    """Turn the hue by ``shift`` of a full circle, in [-0.5, 0.5]."""
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV_FULL)
    # Unsigned 8-bit numbers wrap around, as the circle does.
    hsv[..., 0] += np.array(round(shift * 255) % 256, dtype=np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR_FULL)


@TRANSFORMS.register_module()
class ColorJitter(BaseTransform):
    """Changes brightness, contrast, saturation and hue by random amounts, in random order.

    Args:
        brightness: Factors are drawn from ``[max(0, 1 - brightness), 1 + brightness]``.
        contrast: The same for contrast.
        saturation: The same for saturation.
        hue: Turns are drawn from ``[-hue, hue]``, at most 0.5.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: a negative argument, or a hue above 0.5.
    """

    def __init__(
        self, brightness: float = 0, contrast: float = 0, saturation: float = 0, hue: float = 0, rng: Any = np.random
    ) -> None:
        if min(brightness, contrast, saturation, hue) < 0 or hue > 0.5:
            raise ValueError(
                f'brightness {brightness}, contrast {contrast}, saturation {saturation} and hue {hue} must be at '
                'least 0, and hue at most 0.5'
            )
        self.amounts = (brightness, contrast, saturation, hue)
        self.rng = rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Change ``img``, uint8 ``[H, W, 3]``."""
        image = results['img']
        functions = (adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue)
        for index in self.rng.permutation(4):
            amount = self.amounts[index]
            if amount:
                centre = 0.0 if index == 3 else 1.0
                low = centre - amount if index == 3 else max(0.0, centre - amount)
                image = functions[index](image, self.rng.uniform(low, centre + amount))
        results['img'] = image
        return results


@TRANSFORMS.register_module()
class GaussianBlur(BaseTransform):
    """Blurs with a Gaussian of random width.

    Args:
        sigma: Range of the standard deviation, in pixels.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: a range that is empty or not positive.
    """

    def __init__(self, sigma: Tuple[float, float] = (0.1, 2.0), rng: Any = np.random) -> None:
        if not 0 < sigma[0] <= sigma[1]:
            raise ValueError(f'sigma {sigma} must be a range of positive numbers')
        self.sigma, self.rng = tuple(sigma), rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Blur ``img``."""
        results['img'] = cv2.GaussianBlur(results['img'], (0, 0), self.rng.uniform(*self.sigma))
        return results


@TRANSFORMS.register_module()
class Solarize(BaseTransform):
    """Inverts all values from a threshold on.

    Args:
        threshold: Lowest value that is inverted, in 0..255.
    """

    def __init__(self, threshold: int = 128) -> None:
        self.table = np.where(_LEVELS < threshold, _LEVELS, 255 - _LEVELS).astype(np.uint8)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Solarise ``img``, uint8."""
        results['img'] = cv2.LUT(results['img'], self.table)
        return results


@TRANSFORMS.register_module()
class Lighting(BaseTransform):
    """Adds a random colour along the principal components of ImageNet's colours; the result is float32, not clipped.

    Args:
        alpha_std: Standard deviation of the weights of the components.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.
    """

    def __init__(self, alpha_std: float = 0.1, rng: Any = np.random) -> None:
        self.alpha_std, self.rng = alpha_std, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Shift the colours of ``img``."""
        alpha = self.rng.normal(0, self.alpha_std, 3)
        colour = _EIGENVECTORS @ (alpha * _EIGENVALUES)
        results['img'] = results['img'].astype(np.float32) + colour.astype(np.float32)
        return results
