"""A first box for a target anywhere in a search frame."""

from typing import NamedTuple, Optional

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.models.layers.correlation_attention import correlation_attention
from vlplugins.registry import MODELS


class CornerProposals(NamedTuple):
    """Boxes ``[B, N, 4]`` xyxy, 0..1 of the frame, and ``scores [B, N, 2, H, W]``, logits of both corners."""

    boxes: Tensor
    scores: Tensor


def expected_corners(scores: Tensor) -> Tensor:
    """Boxes ``[..., 4]``, the expected places of both corners under the softmax of ``scores [..., 2, H, W]``.

    Column i stands at ``i / W`` and row j at ``j / H``: coordinates lie in ``[0, 1)``, and even scores over 8 columns
    give 0.4375. Nothing keeps the first corner above the second.
    """
    height, width = scores.shape[-2:]
    share = scores.float().flatten(-2).softmax(dim=-1).unflatten(-1, (height, width))
    columns = torch.arange(width, device=scores.device) / width
    rows = torch.arange(height, device=scores.device) / height
    x, y = (share.sum(dim=-2) * columns).sum(dim=-1), (share.sum(dim=-1) * rows).sum(dim=-1)
    return torch.stack([x, y], dim=-1).flatten(-2)


@MODELS.register_module()
class CornerProposalDecoder(BaseModule):
    """Maps of the two corners of a target, from the search frame gated by it (Fan et al., CVPR 2022, eq. 5-7).

    Args:
        dim: C.
        shared_tower: One tower with two maps at its end; otherwise a tower for each corner.
        mask_padding: Whether padded places are no corners.
        norm_cfg: Normalisation of the towers.
        init_cfg: As in MMEngine's ``BaseModule``.

    Raises:
        ValueError: channels that cannot be halved three times.
    """

    def __init__(
        self,
        dim: int = 256,
        shared_tower: bool = True,
        mask_padding: bool = False,
        norm_cfg: dict = dict(type='BN'),  # noqa: B006
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if dim % 8:
            raise ValueError(f'dim {dim} must be a multiple of 8')
        self.mask_padding = mask_padding
        outputs = (2,) if shared_tower else (1, 1)
        self.towers = nn.ModuleList(self._tower(dim, count, norm_cfg) for count in outputs)

    @staticmethod
    def _tower(dim: int, outputs: int, norm_cfg: dict) -> nn.Sequential:
        widths = (dim, dim, dim // 2, dim // 4, dim // 8)
        convs = [
            ConvModule(before, after, 3, padding=1, bias=True, norm_cfg=norm_cfg)
            for before, after in zip(widths, widths[1:])
        ]
        return nn.Sequential(*convs, nn.Conv2d(widths[-1], outputs, 1))

    def forward(self, targets: Tensor, search: Tensor, padding: Optional[Tensor] = None) -> CornerProposals:
        """Propose a box for each of N targets of B frames.

        Args:
            targets: ``[B, N, C]``.
            search: ``[B, C, H, W]``.
            padding: Booleans ``[B, H, W]``, true for padded places; only ``mask_padding`` reads them.
        """
        count = targets.size(1)
        gated = correlation_attention(targets.flatten(0, 1), search.repeat_interleave(count, dim=0))
        scores = torch.cat([tower(gated) for tower in self.towers], dim=1).unflatten(0, (-1, count))
        if self.mask_padding and padding is not None:
            scores = scores.masked_fill(padding[:, None, None], torch.finfo(scores.dtype).min)
        return CornerProposals(expected_corners(scores), scores)
