"""Reading images, with errors that name the file."""

from pathlib import Path
from typing import Any, Dict, Optional, Union

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS
from vlplugins.utils.records import RecordError

_MODES = dict(color=cv2.IMREAD_COLOR, grayscale=cv2.IMREAD_GRAYSCALE)
# Files of some sets have padding after the end marker.
_TAIL = 2048


def is_truncated(data: bytes) -> bool:
    """Whether a JPEG or PNG file lacks its end marker. Decoders fill what is missing with grey, and say nothing."""
    if data[:2] == b'\xff\xd8':
        return b'\xff\xd9' not in data[-_TAIL:]
    if data[:8] == b'\x89PNG\r\n\x1a\n':
        return b'IEND' not in data[-_TAIL:]
    return False


def decode_image(data: bytes, name: Union[str, Path], color_type: str = 'color') -> np.ndarray:
    """Decode an encoded image.

    Args:
        data: The bytes of a file in a format that OpenCV reads.
        name: What the message calls it.
        color_type: ``'color'`` (BGR, ``[H, W, 3]``) or ``'grayscale'`` (``[H, W]``).

    Returns:
        Array of uint8.

    Raises:
        RecordError: an empty, truncated or undecodable file.
    """
    if not data:
        raise RecordError(name, 'an empty file', 'an image')
    if is_truncated(data):
        raise RecordError(name, f'a truncated image of {len(data)} bytes', 'a whole image file')
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), _MODES[color_type])
    if image is None:
        raise RecordError(name, f'{len(data)} bytes that are no image', 'an image file')
    return image


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
        if color_type not in _MODES:
            raise ValueError(f"color_type {color_type!r} is unknown; expected 'color' or 'grayscale'")
        self.color_type = color_type

    def transform(self, results: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Add the image to ``results``."""
        if 'img' in results:
            image = self._check_array(results)
        else:
            data = results.pop('img_bytes', None)
            if data is None:
                data = self._read(results['img_path'])
            image = decode_image(data, results.get('img_path', 'img_bytes'), self.color_type)
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        return results

    @staticmethod
    def _read(path: str) -> bytes:
        try:
            with open(path, 'rb') as file:
                return file.read()
        except OSError as error:
            raise RecordError(path, error.strerror or 'an unreadable file', 'an image file') from None

    def _check_array(self, results: Dict[str, Any]) -> np.ndarray:
        image, name = results['img'], results.get('img_path', f'sample {results.get("sample_idx", "?")}')
        if image.ndim not in (2, 3) or image.size == 0:
            raise RecordError(name, f'an array of shape {image.shape}', 'an image [H, W] or [H, W, C]')
        if image.dtype.kind == 'f' and not np.isfinite(image).all():
            raise RecordError(name, 'an image with values that are not finite', 'finite values')
        if self.color_type == 'grayscale' and image.ndim == 3:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        return image
