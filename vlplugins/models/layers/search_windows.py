"""Square windows of a frame, around boxes, in which a network looks for their targets."""

from typing import NamedTuple, Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor


class SearchWindows(NamedTuple):
    """Windows of one frame, seen by a network at one size.

    Attributes:
        corner: Left upper corners in pixels of the frame, whole numbers, ``[N, 2]``.
        side: Sides in pixels of the frame, whole numbers, ``[N]``.
        size: Side in pixels that the network sees.
    """

    corner: Tensor
    side: Tensor
    size: int

    @property
    def boxes(self) -> Tensor:
        """The windows as boxes xyxy in pixels of the frame, ``[N, 4]``."""
        return torch.cat([self.corner, self.corner + self.side[:, None]], dim=1)

    def from_frame(self, boxes: Tensor) -> Tensor:
        """Boxes ``[N, 4]`` of the frame, each in pixels of its window."""
        return (boxes - self.corner.repeat(1, 2)) * (self.size / self.side)[:, None]

    def to_frame(self, boxes: Tensor) -> Tensor:
        """Boxes ``[N, 4]`` of windows, in pixels of the frame."""
        return boxes * (self.side / self.size)[:, None] + self.corner.repeat(1, 2)


def windows_around(boxes: Tensor, factor: float, size: int) -> SearchWindows:
    """Windows about the centres of boxes ``[N, 4]`` xyxy, of ``factor`` times the root of their area, rounded up."""
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    side = (sides.prod(dim=1).sqrt() * factor).ceil().clamp(min=1)
    return SearchWindows(((boxes[:, :2] + boxes[:, 2:] - side[:, None]) / 2).round(), side, size)


def cut_windows(image: Tensor, windows: SearchWindows, fill: Optional[Tensor] = None) -> Tuple[Tensor, Tensor]:
    """Cut windows out of an image, and resize them by bilinear interpolation within each window.

    Args:
        image: ``[C, H, W]``.
        windows: N windows of size S.
        fill: ``[C]``, the colour beside the image; 0 by default.

    Returns:
        Crops ``[N, C, S, S]``, and booleans ``[N, S, S]``, true beside the image.
    """
    height, width = image.shape[1:]
    columns, rows = _sources(windows)
    x, y = (2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1
    grid = torch.stack([x[:, None, :].expand(-1, windows.size, -1), y[:, :, None].expand(-1, -1, windows.size)], -1)
    fill = image.new_zeros(len(image)) if fill is None else fill.to(image)
    shifted = (image - fill[:, None, None])[None].expand(len(windows.side), -1, -1, -1)
    crops = F.grid_sample(shifted.float(), grid.float(), padding_mode='zeros', align_corners=False)
    return crops.to(image.dtype) + fill[:, None, None], window_padding(windows, width, height)


def window_padding(windows: SearchWindows, width: int, height: int) -> Tensor:
    """Booleans ``[N, S, S]``, true where windows of size S reach beside a frame."""
    columns, rows = _sources(windows)
    beside_x, beside_y = (columns < -0.5) | (columns > width - 0.5), (rows < -0.5) | (rows > height - 0.5)
    return beside_y[:, :, None] | beside_x[:, None, :]


def _sources(windows: SearchWindows) -> Tuple[Tensor, Tensor]:
    """Columns and rows ``[N, S]`` of the frame at which the pixels of windows lie.

    Those at the rim of a window repeat its outermost pixel, as when a crop is resized.
    """
    place = torch.arange(windows.size, device=windows.side.device, dtype=windows.side.dtype)
    inside = (place + 0.5) / windows.size * windows.side[:, None] - 0.5
    inside = inside.clamp(min=0).minimum(windows.side[:, None] - 1)
    return inside + windows.corner[:, :1], inside + windows.corner[:, 1:]


def padding_of_map(padding: Tensor, shape: Tuple[int, int]) -> Tensor:
    """Booleans ``[B, H, W]`` at the places of a map of ``shape``, by the nearest pixel.

    A frame without any place that is not padding would be a softmax over nothing: it counts as being without padding.
    """
    small = F.interpolate(padding[:, None].float(), size=tuple(shape)).squeeze(1) > 0.5
    return small & ~small.flatten(1).all(dim=1)[:, None, None]
