"""Image files: which there are, decoding them, and errors that name the file."""

from pathlib import Path
from typing import Union

import cv2
import numpy as np

from vlplugins.utils.records import RecordError

IMAGE_EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm')
COLOR_MODES = dict(color=cv2.IMREAD_COLOR, grayscale=cv2.IMREAD_GRAYSCALE)
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
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), COLOR_MODES[color_type])
    if image is None:
        raise RecordError(name, f'{len(data)} bytes that are no image', 'an image file')
    return image


def read_image(path: Union[str, Path], color_type: str = 'color') -> np.ndarray:
    """Read an image file; see :func:`decode_image`.

    Raises:
        RecordError: a missing, unreadable, truncated or undecodable file.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise RecordError(path, error.strerror or 'an unreadable file', 'an image file') from None
    return decode_image(data, path, color_type)
