"""The loss of boxes that are refined in stages."""

from typing import Dict, Optional, Sequence

import torch
from mmdet.structures.bbox import bbox_overlaps, bbox_xyxy_to_cxcywh
from torch import Tensor, nn

from vlplugins.models.layers.box_crops import sound_boxes
from vlplugins.registry import MODELS
from vlplugins.utils.distributed import mean_divisor


@MODELS.register_module()
class TrackBoxLoss(nn.Module):
    """L1 distance and generalised IoU of the boxes of all stages (UTT, Fan et al., CVPR 2022, eq. 12-13).

    Of a target and a stage: the sum over the four numbers (centre, width, height) of the absolute differences, and
    ``1 - GIoU``; both are means over targets, of all processes together, on boxes as shares of the frame.

    A box whose corners are turned has the overlap of the box between them, but no gradient from it: that box grows when
    the corners go further the wrong way. The distance brings them into order.

    Args:
        l1_weight: Weight of the distance.
        giou_weight: Weight of the generalised IoU.
        stage_reduction: ``'mean'``: the weights stay comparable when the number of stages changes; ``'sum'``, as the
            paper writes it.

    Raises:
        ValueError: another ``stage_reduction``.
    """

    def __init__(self, l1_weight: float = 5.0, giou_weight: float = 2.0, stage_reduction: str = 'mean') -> None:
        super().__init__()
        if stage_reduction not in ('mean', 'sum'):
            raise ValueError(f"stage_reduction {stage_reduction!r} is unknown; expected 'mean' or 'sum'")
        self.l1_weight, self.giou_weight, self.stage_reduction = l1_weight, giou_weight, stage_reduction

    def forward(self, stages: Sequence[Tensor], truth: Tensor, counted: Optional[Tensor] = None) -> Dict[str, Tensor]:
        """``loss_l1`` and ``loss_giou``, and how many boxes have their corners turned, ``num_inverted_boxes``.

        Args:
            stages: Boxes ``[B, N, 4]`` xyxy of each stage, 0..1 of the frame without padding.
            truth: ``[B, N, 4]``.
            counted: Booleans ``[B, N]``, the targets that count; all by default. Without any the losses are zero.
        """
        boxes, truth = torch.stack(list(stages)).float(), truth.float()
        weight = truth.new_ones(truth.shape[:-1]) if counted is None else counted.to(truth.dtype)
        distance = (bbox_xyxy_to_cxcywh(boxes) - bbox_xyxy_to_cxcywh(truth)).abs().sum(dim=-1)
        turned = (boxes[..., :2] > boxes[..., 2:]).any(dim=-1)
        overlap = 1 - bbox_overlaps(sound_boxes(boxes, 0.0), truth.expand_as(boxes), mode='giou', is_aligned=True)
        total = mean_divisor(weight.sum())
        reduce = torch.mean if self.stage_reduction == 'mean' else torch.sum
        distance, overlap = (reduce((each * weight).sum(dim=(1, 2)) / total) for each in (distance, overlap))
        return dict(
            loss_l1=self.l1_weight * distance,
            loss_giou=self.giou_weight * overlap,
            num_inverted_boxes=(turned & (weight > 0)).sum().float(),
        )
