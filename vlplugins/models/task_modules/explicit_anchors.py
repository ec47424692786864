"""Anchors that are given by their corners."""

from typing import Any, List, Sequence

import torch
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from torch import Tensor

from vlplugins.registry import TASK_UTILS


@TASK_UTILS.register_module()
class ExplicitAnchorGenerator(AnchorGenerator):
    """mmdet's ``AnchorGenerator`` with given base anchors, for weights trained with anchors of another rounding.

    Args:
        strides: Stride of the one level, in pixels.
        base_anchors: Corners ``x1, y1, x2, y2`` of the anchors of the cell at the origin, in pixels.
        kwargs: Further arguments of ``AnchorGenerator``.

    Raises:
        ValueError: more than one level, or corners that are no boxes.
    """

    def __init__(self, strides: Sequence[int], base_anchors: Sequence[Sequence[float]], **kwargs: Any) -> None:
        corners = torch.tensor(base_anchors, dtype=torch.float32)
        if len(strides) != 1 or corners.dim() != 2 or corners.size(1) != 4 or (corners[:, 2:] <= corners[:, :2]).any():
            raise ValueError(f'found strides {list(strides)} and base_anchors {base_anchors}; expected one and boxes')
        self.corners = corners
        super().__init__(strides=strides, ratios=[1.0], scales=[1.0], **kwargs)

    def gen_base_anchors(self) -> List[Tensor]:
        """The anchors that were given."""
        return [self.corners]
