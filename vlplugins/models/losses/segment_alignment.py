"""Contrastive alignment of two modalities, segment by segment."""

from typing import Optional

import torch
from mmengine.dist import get_world_size
from torch import Tensor, nn

from vlplugins.models.losses.info_nce import InfoNCELoss
from vlplugins.registry import MODELS
from vlplugins.utils.distributed import gather, offset_of_rank


@MODELS.register_module()
class SegmentAlignmentLoss(nn.Module):
    """InfoNCE between the features of two modalities of the same segment; other real segments are the negatives.

    Segments of one clip at the same time (two people who speak in one subtitle) are no negatives of each other: one
    modality cannot tell them apart.

    Args:
        channels: d.
        embed_channels: Width of the common space.
        temperature: Cosines are divided by it.
        gather: Take the segments of all processes as negatives; needs ``clip_ids``.
        loss_weight: Factor of the loss.
    """

    def __init__(
        self,
        channels: int,
        embed_channels: int = 128,
        temperature: float = 0.07,
        gather: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        self.first, self.second = (nn.Linear(channels, embed_channels) for _ in range(2))
        self.contrast = InfoNCELoss(temperature, symmetric=True, gather=gather)
        self.loss_weight = loss_weight

    def forward(
        self, first: Tensor, second: Tensor, mask: Tensor, times: Tensor, clip_ids: Optional[Tensor] = None
    ) -> Tensor:
        """Compare two modalities; a scalar.

        Args:
            first: Features ``[B, N, d]`` of one.
            second: Features ``[B, N, d]`` of the other.
            mask: ``[B, N]`` booleans, true for segments that both have; without any the loss is 0.
            times: ``[B, N, 2]`` seconds, or another key ``[B, N, E]`` that is equal for segments which cannot be told
                apart.
            clip_ids: Integers ``[B]``, equal for the same clip; each row is a clip of its own by default.

        Raises:
            ValueError: several processes to gather from, without ``clip_ids``.
        """
        # Which rows there are decides the shape of the problem: the one place that must know them.
        clips, lines = mask.nonzero(as_tuple=True)
        spread = self.contrast.gather and get_world_size() > 1
        if spread and clip_ids is None:
            raise ValueError('gather=True needs clip_ids: row numbers of several processes are the same')
        if len(clips) == 0 and not spread:
            return 0.0 * (first.sum() + second.sum())
        stamps = times[clips, lines]
        owners = clips if clip_ids is None else clip_ids[clips]
        all_owners, all_stamps = (gather(owners), gather(stamps)) if spread else (owners, stamps)
        same = (owners[:, None] == all_owners) & (stamps[:, None] == all_stamps).all(dim=-1)
        own = torch.arange(len(clips), device=mask.device) + (offset_of_rank(owners) if spread else 0)
        same = same & (own[:, None] != torch.arange(len(all_owners), device=mask.device))
        queries, keys = self.first(first[clips, lines]), self.second(second[clips, lines])
        return self.loss_weight * self.contrast(queries, keys, ignored=same)
