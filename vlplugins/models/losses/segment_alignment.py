"""Contrastive alignment of two modalities, segment by segment."""

import torch
from torch import Tensor, nn

from vlplugins.models.losses.info_nce import InfoNCELoss
from vlplugins.registry import MODELS


@MODELS.register_module()
class SegmentAlignmentLoss(nn.Module):
    """InfoNCE between the features of two modalities of the same segment; other real segments are the negatives.

    Segments of one clip at the same time (two people who speak in one subtitle) are no negatives of each other: one
    modality cannot tell them apart. Negatives are those of the process.

    Args:
        channels: d.
        embed_channels: Width of the common space.
        temperature: Cosines are divided by it.
        loss_weight: Factor of the loss.
    """

    def __init__(
        self, channels: int, embed_channels: int = 128, temperature: float = 0.07, loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.first, self.second = (nn.Linear(channels, embed_channels) for _ in range(2))
        self.contrast = InfoNCELoss(temperature, symmetric=True, gather=False)
        self.loss_weight = loss_weight

    def forward(self, first: Tensor, second: Tensor, mask: Tensor, times: Tensor) -> Tensor:
        """Compare two modalities; a scalar.

        Args:
            first: Features ``[B, N, d]`` of one.
            second: Features ``[B, N, d]`` of the other.
            mask: ``[B, N]`` booleans, true for segments that both have; without any the loss is 0.
            times: ``[B, N, 2]`` seconds.
        """
        # Which rows there are decides the shape of the problem: the one place that must know them.
        clips, lines = mask.nonzero(as_tuple=True)
        if len(clips) == 0:
            return 0.0 * (first.sum() + second.sum())
        stamps = times[clips, lines]
        same = (clips[:, None] == clips) & (stamps[:, None] == stamps).all(dim=-1)
        same = same & ~torch.eye(len(clips), dtype=torch.bool, device=mask.device)
        queries, keys = self.first(first[clips, lines]), self.second(second[clips, lines])
        return self.loss_weight * self.contrast(queries, keys, ignored=same)
