"""Crops of feature maps at boxes, whatever the boxes look like."""

from typing import Optional, Sequence

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS


def sound_boxes(boxes: Tensor, min_size: float = 1.0) -> Tensor:
    """Boxes xyxy with their corners in order and sides of at least ``min_size``, about the same centre.

    A network that has not learned yet gives corners in any order, at which RoIAlign stops. Where they are turned, the
    result has no gradient: the box between them grows when they go further the wrong way.

    Args:
        boxes: ``[..., 4]``.
        min_size: In the unit of the boxes.
    """
    turned = (boxes[..., :2] > boxes[..., 2:]).any(dim=-1, keepdim=True)
    boxes = torch.where(turned, boxes.detach(), boxes)
    first, second = boxes[..., :2], boxes[..., 2:]
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    missing = (min_size - (high - low)).clamp(min=0) / 2
    return torch.cat([low - missing, high + missing], dim=-1)


@MODELS.register_module()
class BoxCrops(nn.Module):
    """RoIAlign at boxes of each image of a batch.

    It is a compiled operator: under ``torch.compile`` the crops are the one place that is left out of the graph.

    Args:
        dim: Channels of the maps.
        output_size: Side of the crops.
        strides: Strides of the maps.
        finest_scale: Side in pixels up to which a box, doubled, belongs to the first map; then one map further with
            each doubling. 112 puts boxes of 112, 224, 448 and 896 pixels on the maps 0, 1, 2 and 3.
        expand_scale: Crop a square of so many times the area of the box instead of the box; ``None``: the box.
    """

    def __init__(
        self,
        dim: int = 256,
        output_size: int = 7,
        strides: Sequence[int] = (8, 16, 32, 64),
        finest_scale: int = 112,
        expand_scale: Optional[float] = None,
    ) -> None:
        super().__init__()
        self.strides, self.expand_scale = tuple(strides), expand_scale
        self.extractor = MODELS.build(
            dict(
                type='mmdet.SingleRoIExtractor',
                roi_layer=dict(type='RoIAlign', output_size=output_size, sampling_ratio=2, aligned=True),
                out_channels=dim,
                featmap_strides=list(strides),
                finest_scale=finest_scale,
            )
        )

    @torch.compiler.disable
    def forward(self, maps: Sequence[Tensor], boxes: Tensor, level: Optional[int] = None) -> Tensor:
        """Crops ``[B * N, C, S, S]`` at boxes.

        Boxes have no gradient from their crops.

        Args:
            maps: ``[B, C, h, w]`` each, in the order of the strides.
            boxes: xyxy in pixels of the images, ``[B, N, 4]``.
            level: The map of all boxes; by default each box has that of its size.
        """
        boxes = sound_boxes(boxes.detach().float())
        if self.expand_scale is not None:
            boxes = self._square(boxes)
        size, count = boxes.shape[:2]
        image = torch.arange(size, dtype=boxes.dtype, device=boxes.device).repeat_interleave(count)
        rois = torch.cat([image[:, None], boxes.flatten(0, 1)], dim=1)
        # In single precision: mmdet rounds boxes to the precision of the maps.
        if level is None:
            return self.extractor([each.float() for each in maps], rois).to(maps[0].dtype)
        return self.extractor.roi_layers[level](maps[level].float(), rois).to(maps[level].dtype)

    def _square(self, boxes: Tensor) -> Tensor:
        centre, sides = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
        half = (sides.prod(dim=-1, keepdim=True) * self.expand_scale).sqrt() / 2
        return torch.cat([centre - half, centre + half], dim=-1)
