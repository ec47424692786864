"""Search windows of training: square crops beside whose middle the target is."""

from typing import Any, Dict, List, Tuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class JitteredCrop(BaseTransform):
    """Cuts a square around the target of each frame, moved and scaled at random, for each frame anew.

    The sides of the box are multiplied by exp(``scale_jitter`` n) with n normal, for each side; with s the root of
    their product, the middle is moved by up to half of ``center_jitter`` s in x and y, and a square with a side of
    ``factor`` s, rounded up, at whole pixels is resized to ``size``. So a ``center_jitter`` below ``factor`` keeps the
    middle of the target inside. Beside the image pixels are 0 and ``padding_mask`` (booleans ``[size, size]``) is true,
    by the nearest pixel. Boxes are not cut at the border.

    Takes and returns lists with a value for each frame, which has one box. Returns ``None`` where a crop, seen at
    every ``stride``-th pixel as a network sees it, has nothing of the image.

    Args:
        size: Side of the crops in pixels.
        factor: Side of the square, in roots of the area of the box.
        center_jitter: Range of the place of the middle, likewise.
        scale_jitter: Deviation of the logarithm of a side.
        stride: Stride of the features that are read of the crops.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: numbers that are not positive, or a stride above the size.
    """

    def __init__(
        self,
        size: int = 352,
        factor: float = 6.0,
        center_jitter: float = 5.5,
        scale_jitter: float = 0.5,
        stride: int = 16,
        rng: Any = np.random,
    ) -> None:
        if not (0 < stride <= size and factor > 0 and center_jitter >= 0 and scale_jitter >= 0):
            raise ValueError(
                f'size {size}, stride {stride}, factor {factor}, center_jitter {center_jitter} and scale_jitter '
                f'{scale_jitter} must be positive, the stride at most the size'
            )
        self.size, self.factor, self.center_jitter = size, factor, center_jitter
        self.scale_jitter, self.stride, self.rng = scale_jitter, stride, rng

    def transform(self, results: Dict[str, Any]) -> Any:
        """Cut the crops."""
        crops: List[np.ndarray] = []
        boxes: List[np.ndarray] = []
        masks: List[np.ndarray] = []
        windows: List[Tuple[int, int, int]] = []
        for image, box in zip(results['img'], results['gt_bboxes']):
            left, top, side = self.draw_window(box[0].astype(np.float64))
            mask = window_padding(left, top, side, self.size, image.shape[:2])
            if mask[:: self.stride, :: self.stride].all():
                return None
            crops.append(cut_window(image, left, top, side, self.size))
            boxes.append(((box - np.array([left, top] * 2)) * (self.size / side)).astype(np.float32))
            masks.append(mask)
            windows.append((left, top, side))
        count = len(crops)
        return dict(
            results,
            img=crops,
            gt_bboxes=boxes,
            padding_mask=masks,
            window=windows,
            img_shape=[(self.size, self.size)] * count,
            scale_factor=[(self.size / side,) * 2 for _, _, side in windows],
        )

    def draw_window(self, box: np.ndarray) -> Tuple[int, int, int]:
        """Left, top and side, whole pixels, of a window for a box (xyxy)."""
        sides = np.maximum(box[2:] - box[:2], 1) * np.exp(self.scale_jitter * self.rng.normal(0, 1, 2))
        root = float(np.sqrt(sides.prod()))
        middle = (box[:2] + box[2:]) / 2 + self.center_jitter * root * (self.rng.random(2) - 0.5)
        side = max(1, int(np.ceil(root * self.factor)))
        left, top = np.round(middle - side / 2).astype(int).tolist()
        return left, top, side

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(size={self.size}, factor={self.factor}, center_jitter={self.center_jitter}, '
            f'scale_jitter={self.scale_jitter}, stride={self.stride})'
        )


def cut_window(image: np.ndarray, left: int, top: int, side: int, size: int) -> np.ndarray:
    """Cut a square of whole pixels out of an image ``[H, W, 3]``, with zeros beside it, and resize it."""
    height, width = image.shape[:2]
    low_x, low_y = min(max(left, 0), width), min(max(top, 0), height)
    high_x, high_y = min(max(left + side, 0), width), min(max(top + side, 0), height)
    window = np.zeros((side, side, image.shape[2]), dtype=image.dtype)
    window[low_y - top : high_y - top, low_x - left : high_x - left] = image[low_y:high_y, low_x:high_x]
    return cv2.resize(window, (size, size), interpolation=cv2.INTER_LINEAR)


def window_padding(left: int, top: int, side: int, size: int, shape: Tuple[int, int]) -> np.ndarray:
    """Booleans ``[size, size]``, true where the nearest pixel of a window lies beside an image of ``shape`` (H, W)."""
    place = np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1)
    beside = [
        (place + start < -0.5) | (place + start > length - 0.5) for start, length in ((top, shape[0]), (left, shape[1]))
    ]
    return beside[0][:, None] | beside[1]
