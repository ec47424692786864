"""Contexts of growing extent around each segment of a sequence, by exchanges along typed edges."""

from typing import List, Optional

import torch
from torch import Tensor, nn

from vlplugins.models.layers.relational_graph import RelationalGraphLayer
from vlplugins.registry import MODELS

_NUM_ROLES = 3


@MODELS.register_module()
class GraphContextStream(nn.Module):
    """Contexts C_1..C_G: each exchange of :class:`RelationalGraphLayer` reaches one segment further to both sides.

    Edges lead to the next segment, to the one before, and to the segment itself, and are told apart. A stream for a
    branch of DCIN, in the place of :class:`DilatedContextStream`.

    Args:
        channels: d.
        num_granularities: G.
        heads: Heads of the attention.
        dropout: Of each exchange.
        role_aware: Whether the next and the previous segment are told apart.
        topk: Edges that a segment uses at most; all by default.

    Raises:
        ValueError: G below 1, or heads that do not divide the channels.
    """

    def __init__(
        self,
        channels: int,
        num_granularities: int = 4,
        heads: int = 4,
        dropout: float = 0.1,
        role_aware: bool = True,
        topk: Optional[int] = None,
    ) -> None:
        super().__init__()
        if num_granularities < 1:
            raise ValueError(f'num_granularities {num_granularities} must be at least 1')
        self.num_granularities = num_granularities
        self.layers = nn.ModuleList(
            RelationalGraphLayer(channels, _NUM_ROLES, heads, dropout, role_aware, topk=topk)
            for _ in range(num_granularities)
        )

    def forward(self, features: Tensor, mask: Tensor) -> List[Tensor]:
        """Contexts, G tensors ``[B, N, d]`` that are zero at padded places.

        Args:
            features: ``[B, N, d]``.
            mask: ``[B, N]`` booleans, true for real places.
        """
        step = torch.arange(features.size(1), device=features.device)
        step = step[None] - step[:, None]
        roles = torch.stack([step == 1, step == -1, step == 0])[None]
        contexts = []
        for layer in self.layers:
            features = layer(features, roles, mask)
            contexts.append(features)
        return contexts
