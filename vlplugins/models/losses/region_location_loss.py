"""Location of boxes that are taught by better boxes beside them."""

import torch
from mmdet.structures.bbox import bbox_overlaps, bbox_xyxy_to_cxcywh
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from vlplugins.registry import MODELS


@MODELS.register_module()
class RegionLocationLoss(nn.Module):
    """Draws a box to the best-overlapping region beside it, by smooth L1 and generalised IoU.

    The cross-entropy of confidences gives the boxes no gradient. Here a box whose target is below ``region_target``,
    and that overlaps a region (a box with at least this target) by ``min_iou``, learns the place of the region. The
    published material has no such term; without the loss boxes stay as they are initialised, near their anchors.

    Args:
        region_target: Target of confidence from which a box is a region.
        min_iou: Least IoU of a box with the region that it learns from.
        beta: Of the smooth L1 loss, in shares of the image.
        loss_weight: Factor of the loss.
    """

    def __init__(
        self, region_target: float = 0.7, min_iou: float = 0.3, beta: float = 0.1, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.region_target, self.min_iou, self.beta, self.loss_weight = region_target, min_iou, beta, loss_weight

    def forward(self, boxes: Tensor, targets: Tensor, region_mask: Tensor) -> Tensor:
        """Mean over the boxes that learn; a zero with gradient where there is none.

        Args:
            boxes: ``[B, R, 4]``, ``xyxy`` in shares of width and height.
            targets: ``[B, R]`` in 0..1, of their confidence.
            region_mask: ``[B, R]`` booleans.

        Returns:
            A scalar.
        """
        boxes = torch.where(region_mask[..., None], boxes.float(), 0.0)
        is_region = (targets >= self.region_target) & region_mask
        ious = bbox_overlaps(boxes.detach(), boxes.detach()).masked_fill(~is_region[:, None], -1)
        best, index = ious.max(dim=2)
        learns = (best >= self.min_iou) & region_mask & ~is_region
        wanted = boxes.detach().gather(1, index[..., None].expand(-1, -1, 4))
        distance = smooth_l1_loss(
            bbox_xyxy_to_cxcywh(boxes), bbox_xyxy_to_cxcywh(wanted), beta=self.beta, reduction='none'
        ).sum(dim=-1)
        giou = bbox_overlaps(boxes, wanted, mode='giou', is_aligned=True)
        losses = torch.where(learns, distance + 1 - giou, 0.0)
        return self.loss_weight * losses.sum() / learns.sum().clamp(min=1)
