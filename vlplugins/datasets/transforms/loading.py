"""Reading images, with errors that name the file."""

from typing import Any, Dict, Optional

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.datasets.formats.images import COLOR_MODES, decode_image, read_image
from vlplugins.registry import TRANSFORMS
from vlplugins.utils.records import RecordError


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """Loads an image from ``img_path``, from ``img_bytes`` (an encoded image) or takes the array ``img``.

    Sets ``img`` (uint8, ``[H, W, 3]`` in BGR order or ``[H, W]``), ``img_shape`` and ``ori_shape`` ``(H, W)``.

    Args:
        color_type: ``'color'`` or ``'grayscale'``.

    Raises:
        ValueError: an unknown ``color_type``.
        RecordError: (when called) a missing, truncated or undecodable file, or an array with non-finite values.
    """

    def __init__(self, color_type: str = 'color') -> None:
        if color_type not in COLOR_MODES:
            raise ValueError(f"color_type {color_type!r} is unknown; expected 'color' or 'grayscale'")
        self.color_type = color_type

    def transform(self, results: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Add the image to ``results``."""
        if 'img' in results:
            image = self._check_array(results)
        elif 'img_bytes' in results:
            image = decode_image(results.pop('img_bytes'), results.get('img_path', 'img_bytes'), self.color_type)
        else:
            image = read_image(results['img_path'], self.color_type)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    def _check_array(self, results: Dict[str, Any]) -> np.ndarray:
        image, name = results['img'], results.get('img_path', f'sample {results.get("sample_idx", "?")}')
        if image.ndim not in (2, 3) or image.size == 0:
            raise RecordError(name, f'an array of shape {image.shape}', 'an image [H, W] or [H, W, C]')
        if image.dtype.kind == 'f' and not np.isfinite(image).all():
            raise RecordError(name, 'an image with values that are not finite', 'finite values')
        if self.color_type == 'grayscale' and image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return image
