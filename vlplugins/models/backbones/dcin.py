"""One modality of the Dilated Context Integrated Network."""

from typing import List, Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class DilatedContextIntegratedBranch(BaseModule):
    """Embeds the segments of a clip, adds contexts of several extents (coarse), and integrates them (fine).

    After Li et al., *Dilated Context Integrated Network with Cross-Modal Consensus for Temporal Emotion Localization
    in Videos*, ACM Multimedia 2022.

    Args:
        in_channels: D of the features.
        channels: d.
        coarse: Config of the contexts, without ``channels``; ``None``: the segment itself is the only context.
        fine: Config of their integration, without ``channels`` and ``num_granularities``; ``None``: no integration, the
            widest context is the output.
        time_encoding: Add duration, gap, start and end of a segment through a layer that starts at zero.
        input_dropout: Share of the input that is dropped.
        init_cfg: MMEngine initialisation.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 256,
        coarse: Optional[dict] = dict(type='vlplugins.DilatedContextStream'),  # noqa: B006
        fine: Optional[dict] = dict(type='vlplugins.ContextReasoningIntegration'),  # noqa: B006
        time_encoding: bool = False,
        input_dropout: float = 0.3,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.channels = channels
        self.input_dropout = nn.Dropout(input_dropout)
        self.embed = nn.Linear(in_channels, channels)
        self.norm, self.activation = nn.LayerNorm(channels), nn.GELU()
        self.time_embed: Optional[nn.Linear] = None
        if time_encoding:
            self.time_embed = nn.Linear(4, channels)
            nn.init.zeros_(self.time_embed.weight)
            nn.init.zeros_(self.time_embed.bias)
        self.coarse = None if coarse is None else MODELS.build(dict(coarse, channels=channels))
        self.num_granularities = 1 if self.coarse is None else self.coarse.num_granularities
        self.fine = None
        if fine is not None:
            self.fine = MODELS.build(dict(fine, channels=channels, num_granularities=self.num_granularities))

    def forward(
        self, features: Tensor, mask: Tensor, times: Optional[Tensor] = None
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """Features of the segments in their contexts.

        Args:
            features: ``[B, N, D]``.
            mask: ``[B, N]`` booleans, true for real segments.
            times: ``[B, N, 2]`` seconds, for ``time_encoding``.

        Returns:
            F ``[B, N, d]``, zero at padded places, and the weights of the contexts ``[B, N, G]`` without gradient, or
            ``None`` without a fine stream.
        """
        embedded = self.embed_segments(features, mask, times)
        contexts = self.contexts(embedded, mask)
        if self.fine is None:
            return contexts[-1], None
        return self.fine(embedded, contexts, mask)

    def embed_segments(self, features: Tensor, mask: Tensor, times: Optional[Tensor] = None) -> Tensor:
        """X ``[B, N, d]``: the segments alone, zero at padded places."""
        embedded = self.embed(self.input_dropout(features))
        if self.time_embed is not None:
            if times is None:
                raise ValueError('time_encoding needs the times of the segments')
            embedded = embedded + self.time_embed(describe_times(times, mask))
        return self.activation(self.norm(embedded)) * mask[..., None]

    def contexts(self, embedded: Tensor, mask: Tensor) -> List[Tensor]:
        """G contexts ``[B, N, d]`` of embedded segments ``[B, N, d]``."""
        return [embedded] if self.coarse is None else self.coarse(embedded, mask)


def describe_times(times: Tensor, mask: Tensor) -> Tensor:
    """Four numbers ``[B, N, 4]`` of each segment: log1p of duration and of the gap before it, relative start and end.

    Args:
        times: ``[B, N, 2]`` seconds.
        mask: ``[B, N]`` booleans, true for real segments.
    """
    start, end = times.float().unbind(dim=-1)
    gap = torch.zeros_like(start)
    gap[:, 1:] = (start[:, 1:] - end[:, :-1]).clamp(min=0)
    longest = end.masked_fill(~mask, 0).amax(dim=1, keepdim=True).clamp(min=1e-6)
    return torch.stack([(end - start).clamp(min=0).log1p(), gap.log1p(), start / longest, end / longest], dim=-1)
