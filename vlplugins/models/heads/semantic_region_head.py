"""Boxes and confidences of the regions of an image, learned without boxes."""

import math
from typing import NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.members import box_members
from vlplugins.registry import MODELS

# Two and four patches on a side, with the aspects 1:2, 1:1 and 2:1.
_SIZES = tuple((s * math.sqrt(r), s / math.sqrt(r)) for s in (2.0, 4.0) for r in (0.5, 1.0, 2.0))


class Regions(NamedTuple):
    """Boxes of a batch.

    Attributes:
        boxes: ``[B, R, 4]``, ``xyxy`` in pixels of the input, inside the image.
        logits: ``[B, R]``, of the confidence.
        members: ``[B, R, n]`` booleans, the patches of each box, at least one.
        valid: ``[B, R]`` booleans.
        confident: ``[B, R]`` booleans: chosen for its confidence, not at random.
    """

    boxes: Tensor
    logits: Tensor
    members: Tensor
    valid: Tensor
    confident: Tensor


@MODELS.register_module()
class SemanticRegionHead(BaseModule):
    """Region generation of LOUPE (Li et al., NeurIPS 2022): for each patch and anchor a box and a confidence.

    Two 3x3 convolutions and a 1x1 one. A box is its anchor with the centre moved by up to half of its size and each
    side scaled by ``exp(-2)`` to ``exp(2)``.

    Args:
        in_channels: Channels of the patches.
        feat_channels: Width of the convolutions, a multiple of ``groups``.
        groups: Groups of the norms.
        anchor_sizes: Width and height of each anchor, in patches.
        on_borders: Put the centre of sides of an even number of patches on a corner of the patch instead of its centre,
            so that anchors of whole patches end where patches do.
        num_regions: M, confident boxes of an image.
        num_random: K, further boxes in training, drawn uniformly from the rest, so that low confidences are taught too.
        nms_iou: Confident boxes overlap no more than this.
        detach_input: Send no gradient to the patches.
        grid: Rows and columns of patches, where they are known: the number of regions is checked at once.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: numbers of regions that cannot be.
    """

    def __init__(
        self,
        in_channels: int,
        feat_channels: int = 256,
        groups: int = 32,
        anchor_sizes: Sequence[Tuple[float, float]] = _SIZES,
        on_borders: bool = False,
        num_regions: int = 10,
        num_random: int = 10,
        nms_iou: float = 0.7,
        detach_input: bool = False,
        grid: Optional[Tuple[int, int]] = None,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if num_regions < 1 or num_random < 0:
            raise ValueError(f'num_regions {num_regions} must be at least 1, and num_random {num_random} at least 0')
        self.grid = None if grid is None else tuple(grid)
        if grid is not None:
            self._check_count(grid[0] * grid[1] * len(anchor_sizes), num_regions, grid)
        self.convs = nn.Sequential(
            nn.Conv2d(in_channels, feat_channels, 3, padding=1),
            nn.GroupNorm(groups, feat_channels),
            nn.ReLU(),
            nn.Conv2d(feat_channels, feat_channels, 3, padding=1),
            nn.GroupNorm(groups, feat_channels),
            nn.ReLU(),
        )
        self.predict = nn.Conv2d(feat_channels, 5 * len(anchor_sizes), 1)
        nn.init.normal_(self.predict.weight, std=0.01)
        nn.init.zeros_(self.predict.bias)
        # A confidence of 0.1 at the start.
        self.predict.bias.data[4::5] = -math.log(9)
        self.register_buffer('anchor_sizes', torch.tensor(anchor_sizes, dtype=torch.float), persistent=False)
        self.on_borders, self.nms_iou, self.detach_input = on_borders, nms_iou, detach_input
        self.num_regions, self.num_random = num_regions, num_random

    def forward(self, patches: Tensor, image_size: Tuple[int, int]) -> Tuple[Tensor, Tensor]:
        """All boxes.

        Args:
            patches: ``[B, C, rows, columns]``.
            image_size: Height and width of the input, in pixels.

        Returns:
            Boxes ``[B, n A, 4]`` and logits ``[B, n A]``: patches in row-major order, the anchors of each together.
        """
        features = self.convs(patches.detach() if self.detach_input else patches)
        raw = self.predict(features).float().unflatten(1, (-1, 5)).permute(0, 3, 4, 1, 2).flatten(1, 3)
        deltas, logits = raw.split([4, 1], dim=-1)
        anchors = self.anchors(patches.shape[-2:], image_size)
        centres = anchors[:, :2] + deltas[..., :2].tanh() * anchors[:, 2:] / 2
        halves = anchors[:, 2:] * deltas[..., 2:].clamp(-2, 2).exp() / 2
        limits = centres.new_tensor([image_size[1], image_size[0]])
        corners = torch.cat([centres - halves, centres + halves], dim=-1)
        # With the gradient of boxes that are not cut: one that has grown out of the image must be able to shrink.
        uncut = corners - corners.detach()
        return corners.detach().clamp(min=0).minimum(limits.repeat(2)) + uncut, logits.squeeze(-1)

    def anchors(self, grid: Sequence[int], image_size: Tuple[int, int]) -> Tensor:
        """Anchors ``[n A, 4]``: centre x and y, width and height, in pixels."""
        steps = [side / count for side, count in zip(image_size, grid)]
        step = self.anchor_sizes.new_tensor([steps[1], steps[0]])
        y, x = (torch.arange(count, device=step.device) + 0.5 for count in grid)
        cells = torch.stack(torch.meshgrid(y, x, indexing='ij')[::-1], dim=-1).flatten(0, 1)
        shift = torch.zeros_like(self.anchor_sizes)
        if self.on_borders:
            shift = torch.where(self.anchor_sizes % 2 == 0, 0.5, 0.0)
        centres = (cells[:, None] - shift) * step
        sizes = (self.anchor_sizes * step).expand_as(centres)
        return torch.cat([centres, sizes], dim=-1).flatten(0, 1)

    def select(
        self,
        boxes: Tensor,
        logits: Tensor,
        grid: Tuple[int, int],
        image_size: Tuple[int, int],
        generator: Optional[torch.Generator] = None,
        num_regions: Optional[int] = None,
        nms_iou: Optional[float] = None,
    ) -> Regions:
        """Choose M confident boxes of each image after suppression, and K of the rest at random.

        Args:
            boxes: ``[B, Q, 4]``.
            logits: ``[B, Q]``.
            grid: Rows and columns of patches.
            image_size: Height and width of the input, in pixels.
            generator: Source of the random boxes; ``None``: there are none.
            num_regions: Another M.
            nms_iou: Another limit of the overlap.

        Raises:
            ValueError: fewer boxes than are asked for.
        """
        count, most = boxes.size(1), num_regions or self.num_regions
        self._check_count(count, most, grid)
        scores = logits.detach().float().sigmoid()
        kept = _suppressed(boxes.detach(), scores, nms_iou or self.nms_iou)
        best = scores.masked_fill(~kept, -1).topk(most, dim=1)
        index, valid, confident = best.indices, best.values >= 0, best.values >= 0
        if generator is not None and self.num_random:
            keys = torch.rand(scores.shape, generator=generator, device=scores.device)
            # A confident slot that suppression left empty gives its box to the draw.
            taken = torch.zeros_like(kept).scatter(1, index, confident)
            drawn = keys.masked_fill(taken, -1).topk(min(self.num_random, count - most), dim=1)
            index = torch.cat([index, drawn.indices], dim=1)
            valid = torch.cat([valid, drawn.values >= 0], dim=1)
            confident = torch.cat([confident, torch.zeros_like(drawn.values, dtype=torch.bool)], dim=1)
        chosen = boxes.gather(1, index[..., None].expand(-1, -1, 4))
        members = box_members(chosen.detach(), grid, image_size)
        return Regions(chosen, logits.gather(1, index), members, valid, confident)

    @staticmethod
    def _check_count(anchors: int, num_regions: int, grid: Sequence[int]) -> None:
        if num_regions > anchors:
            raise ValueError(f'num_regions {num_regions} is above the {anchors} anchors of a grid {tuple(grid)}')


def _suppressed(boxes: Tensor, scores: Tensor, iou: float) -> Tensor:
    """``[B, Q]`` booleans: boxes ``[B, Q, 4]`` that overlap no better one of their image by more than ``iou``."""
    batch, count = scores.shape
    image = torch.arange(batch, device=boxes.device).repeat_interleave(count)
    options = dict(type='nms', iou_threshold=iou)
    # Compiled operators: whatever else the package holds works without them.
    from mmcv.ops import batched_nms

    _, keep = batched_nms(boxes.flatten(0, 1).float().contiguous(), scores.flatten().contiguous(), image, options)
    mask = torch.zeros(batch * count, dtype=torch.bool, device=boxes.device)
    mask[keep] = True
    return mask.view(batch, count)
