"""A score that says how central a tracked box lies in its target."""

from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from mmdet.structures.bbox import bbox_overlaps
from mmengine.dist import get_world_size
from torch import Tensor, nn

from vlplugins.models.layers.box_crops import sound_boxes
from vlplugins.registry import MODELS
from vlplugins.utils.distributed import all_reduce_with_grad, mean_divisor


def centreness(boxes: Tensor, truth: Tensor) -> Tensor:
    """How central the centres of ``boxes [..., 4]`` lie in ``truth [..., 4]``: 1 in the middle, 0 outside.

    The root of the smaller by the larger distance to the left and right side, times that of top and bottom.
    """
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    before, after = centre - truth[..., :2], truth[..., 2:] - centre
    ratio = torch.minimum(before, after) / torch.maximum(before, after).clamp(min=1e-6)
    return ratio.clamp(min=0).prod(dim=-1).sqrt()


@MODELS.register_module()
class CentrenessScoreLoss(nn.Module):
    """Binary cross-entropy between scores of tracked boxes and their centreness, the mean of all stages.

    Args:
        loss_weight: Factor of the loss.
        giou_gate: The loss counts only while the mean of ``1 - GIoU`` is below this: scores of boxes that are nowhere
            near teach nothing.
    """

    def __init__(self, loss_weight: float = 1.0, giou_gate: float = 1.0) -> None:
        super().__init__()
        self.loss_weight, self.giou_gate = loss_weight, giou_gate

    def forward(
        self,
        scores: Sequence[Tensor],
        stages: Sequence[Tensor],
        truth: Tensor,
        counted: Optional[Tensor] = None,
    ) -> Tensor:
        """The loss, a scalar.

        Args:
            scores: Logits ``[B, N]`` of each stage.
            stages: Boxes ``[B, N, 4]`` of each stage; they have no gradient from here.
            truth: ``[B, N, 4]``.
            counted: Booleans ``[B, N]``, the targets that count; all by default.
        """
        scores, boxes = torch.stack(list(scores)).float(), torch.stack(list(stages)).detach().float()
        truth = truth.float().expand_as(boxes)
        wanted = centreness(boxes, truth)
        weight = wanted.new_ones(wanted.shape[1:]) if counted is None else counted.to(wanted.dtype)
        loss = F.binary_cross_entropy_with_logits(scores, wanted, reduction='none')
        far = 1 - bbox_overlaps(sound_boxes(boxes, 0.0), truth, mode='giou', is_aligned=True)
        total = mean_divisor(weight.sum())
        loss, far = ((each * weight).sum(dim=(1, 2)).mean() / total for each in (loss, far))
        # All processes decide alike, by what they have together.
        far = all_reduce_with_grad(far.detach()) / get_world_size()
        return self.loss_weight * loss * (far < self.giou_gate)
