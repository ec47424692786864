"""Where a tracker of single objects looks next, and which boxes it keeps."""

from typing import Optional, Tuple

import torch
from torch import Tensor

from vlplugins.models.layers.search_windows import SearchWindows, windows_around
from vlplugins.registry import TASK_UTILS


@TASK_UTILS.register_module()
class SingleObjectSearch:
    """Rules of a tracker of given targets (UTT, Fan et al., CVPR 2022; values of the released code).

    A target is looked for in a square window about its last box. What is found is kept inside the frame; where there is
    a score and it is low, the last box is kept instead, and grows, so that the next window is larger.

    Args:
        factor: Sides of a window in roots of the area of the box.
        size: Side in pixels of the windows as the network sees them.
        shared: Take windows out of the feature maps of the whole frame, so that the backbone runs once for any number
            of targets; otherwise out of the image, as in training.
        score_thr: Score below which the last box is kept.
        growth: Factor of the sides of a box that is kept.
        margin: Pixels of a box that stay inside the frame at least.

    Raises:
        ValueError: a factor, size or growth that makes no window.
    """

    def __init__(
        self,
        factor: float = 6.0,
        size: int = 352,
        shared: bool = False,
        score_thr: float = 0.4,
        growth: float = 1.1,
        margin: float = 2.0,
    ) -> None:
        if factor < 1 or size < 1 or growth < 1:
            raise ValueError(f'factor {factor}, size {size} and growth {growth} must be at least 1')
        self.factor, self.size, self.shared = factor, size, shared
        self.score_thr, self.growth, self.margin = score_thr, growth, margin

    def windows(self, boxes: Tensor) -> SearchWindows:
        """Windows for targets that were last at boxes ``[N, 4]`` xyxy."""
        return windows_around(boxes, self.factor, self.size)

    def settle(self, found: Tensor, last: Tensor, scores: Optional[Tensor], frame: Tuple[int, int]) -> Tensor:
        """The boxes ``[N, 4]`` of this frame.

        Args:
            found: What the network says, ``[N, 4]`` xyxy in pixels of the frame.
            last: Boxes of the frame before, ``[N, 4]``.
            scores: ``[N]`` in 0..1, or ``None`` where the network gives none.
            frame: Width and height in pixels.
        """
        boxes = found
        if scores is not None:
            centre, sides = (last[:, :2] + last[:, 2:]) / 2, last[:, 2:] - last[:, :2]
            grown = torch.minimum(sides * self.growth, sides.clamp(min=min(frame) / 6))
            kept = torch.cat([centre - grown / 2, centre + grown / 2], dim=1)
            boxes = torch.where((scores < self.score_thr)[:, None], kept, found)
        return self._inside(boxes, boxes.new_tensor(frame))

    def _inside(self, boxes: Tensor, frame: Tensor) -> Tensor:
        low = boxes[:, :2].clamp(min=0).minimum(frame - self.margin)
        high = boxes[:, 2:].clamp(min=self.margin).minimum(frame)
        return torch.cat([low, torch.maximum(high, low + self.margin)], dim=1)
