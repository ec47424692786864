"""Reasoning over the contexts of a segment, and their integration into its feature (fine stream of DCIN)."""

from typing import List, Tuple

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS

_INTEGRATIONS = ('adaptive', 'mean', 'last')


class GraphReasoningRound(nn.Module):
    """One round over a fully connected graph: ``H <- LN(H + MultiHeadAttention(H))``, ``[R, G, d] -> [R, G, d]``."""

    def __init__(self, channels: int, num_heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, num_heads, dropout=dropout, batch_first=True)
        self.norm = nn.LayerNorm(channels)

    def forward(self, nodes: Tensor) -> Tensor:
        """Exchange between the G nodes ``[R, G, d]`` of each of R rows."""
        return self.norm(nodes + self.attention(nodes, nodes, nodes, need_weights=False)[0])


@MODELS.register_module()
class ContextReasoningIntegration(nn.Module):
    """Lets the G contexts of each segment exchange, weighs them, and adds their gated mean to the segment's feature.

    ``a_ig = softmax_g((W_a X_i) . (W_b H_ig) / sqrt(d))``, ``c_i = sum_g a_ig H_ig``,
    ``F_i = X_i + sigmoid(W_gamma [X_i ; c_i]) * (W_c c_i)``, H the contexts with a learned embedding of their
    granularity after some rounds of attention. The abstract of DCIN (Li et al., ACM Multimedia 2022) tells of
    reasoning over dependency and of adaptive integration; the form is ours.

    Args:
        channels: d.
        num_granularities: G.
        num_rounds: Rounds of reasoning, without shared weights; 0 for none.
        num_heads: Heads of the attention.
        integration: ``'adaptive'``; ``'mean'``: F = X + the mean context; ``'last'``: F = X + the widest context.
            The two others have no parameters, and no reasoning.
        dropout: Dropout of the attention.

    Raises:
        ValueError: an unknown integration, or heads that do not divide the channels.
    """

    def __init__(
        self,
        channels: int,
        num_granularities: int,
        num_rounds: int = 2,
        num_heads: int = 4,
        integration: str = 'adaptive',
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        if integration not in _INTEGRATIONS:
            raise ValueError(f'integration {integration!r} is unknown; expected one of {_INTEGRATIONS}')
        if channels % num_heads:
            raise ValueError(f'channels {channels} cannot be divided among num_heads {num_heads}')
        self.integration, self.num_granularities = integration, num_granularities
        if integration != 'adaptive':
            return
        self.granularity_embed = nn.Parameter(0.02 * torch.randn(num_granularities, channels))
        self.rounds = nn.ModuleList(GraphReasoningRound(channels, num_heads, dropout) for _ in range(num_rounds))
        self.query, self.key = nn.Linear(channels, channels), nn.Linear(channels, channels)
        self.value, self.gate = nn.Linear(channels, channels), nn.Linear(2 * channels, channels)
        for layer in (self.query, self.key, self.value, self.gate):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor, contexts: List[Tensor], mask: Tensor) -> Tuple[Tensor, Tensor]:
        """Integrate the contexts of each segment.

        Args:
            features: X, ``[B, N, d]``.
            contexts: G tensors ``[B, N, d]``.
            mask: ``[B, N]`` booleans, true for real segments.

        Returns:
            F ``[B, N, d]``, zero at padded places, and the weights a ``[B, N, G]`` without gradient.

        Raises:
            ValueError: another number of contexts than G.
        """
        if len(contexts) != self.num_granularities:
            raise ValueError(f'{len(contexts)} contexts for num_granularities={self.num_granularities}')
        nodes = torch.stack(contexts, dim=2)
        if self.integration == 'mean':
            weights = torch.full_like(nodes[..., 0], 1 / self.num_granularities)
            return (features + nodes.mean(dim=2)) * mask[..., None], weights.detach()
        if self.integration == 'last':
            weights = torch.zeros_like(nodes[..., 0])
            weights[..., -1] = 1
            return (features + contexts[-1]) * mask[..., None], weights.detach()
        nodes = self.reason(nodes)
        logits = (self.query(features)[:, :, None] * self.key(nodes)).sum(dim=-1) * features.size(-1) ** -0.5
        weights = logits.float().softmax(dim=2)
        context = (weights.to(nodes.dtype)[..., None] * nodes).sum(dim=2)
        gate = self.gate(torch.cat([features, context], dim=-1)).sigmoid()
        return (features + gate * self.value(context)) * mask[..., None], weights.detach()

    def reason(self, nodes: Tensor) -> Tensor:
        """Contexts ``[B, N, G, d]`` after the exchange between those of each segment."""
        rows = (nodes + self.granularity_embed).flatten(0, 1)
        for each in self.rounds:
            rows = each(rows)
        return rows.view_as(nodes)
