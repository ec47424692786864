"""Attention between the nodes of a graph with edges of several types."""

from itertools import accumulate
from typing import Optional, Sequence, Tuple, Union

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.models.layers.masked_softmax import masked_softmax
from vlplugins.registry import MODELS


@MODELS.register_module()
class RelationalGraphLayer(nn.Module):
    """A layer of attention along edges, whose types change keys and values.

    ``s_ij = (W_Q n_i) . ((W_K n_j) * (1 + rho_ij)) / sqrt(d_h)`` for each head, ``a = softmax`` over the neighbours of
    i, ``m_i = sum_j a_ij (W_V n_j) * (1 + rho_ij)``; ``n <- LN(n + W_O m)``, ``n <- LN(n + FFN(n))``. ``rho_ij`` is the
    sum of the embeddings of all types that edges from i to j have. Nodes without edges stay by themselves.

    Small graphs build ``rho_ij``; larger ones take ``sum_r M_r * ((Q * rho_r) K^T)``, which is the same number without
    a tensor of ``n * n * d``. Where nodes come in blocks, between which all edges have the same types, the nodes of a
    block attend to ``K * (1 + rho)`` and ``V * (1 + rho)`` in one fused attention, without weights in memory.

    With a condition c, queries, keys and values are those of ``n * (1 + tanh(W_g c) + W_b c)``, where both maps begin
    near zero; the sums with n stay. With ``topk`` only so many edges of a node are
    used, those with the largest scores of each head: then it depends on the condition which edges there are.

    Args:
        dim: d.
        num_roles: R, types of edges.
        heads: Heads of the attention.
        dropout: Dropout of both updates.
        role_aware: Whether types matter; otherwise rho is 0, and there are no embeddings.
        dense_nodes: Nodes up to which ``rho_ij`` is built, where there are no blocks.
        conditional: Whether there is a condition.
        topk: Edges that a node uses at most; all by default.

    Raises:
        ValueError: heads that do not divide ``dim``, or ``topk`` below 1.
    """

    def __init__(
        self,
        dim: int,
        num_roles: int,
        heads: int = 8,
        dropout: float = 0.1,
        role_aware: bool = True,
        dense_nodes: int = 32,
        conditional: bool = False,
        topk: Optional[int] = None,
    ) -> None:
        super().__init__()
        if topk is not None and topk < 1:
            raise ValueError(f'topk {topk} must be at least 1, or None for all edges')
        if dim % heads:
            raise ValueError(f'dim {dim} cannot be divided among heads={heads}')
        self.heads, self.num_roles, self.dense_nodes, self.topk = heads, num_roles, dense_nodes, topk
        self.query, self.key = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.value, self.output = nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.ffn = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.norms = nn.ModuleList([nn.LayerNorm(dim), nn.LayerNorm(dim)])
        self.dropout = nn.Dropout(dropout)
        self.role_embed = nn.Parameter(0.02 * torch.randn(num_roles, dim)) if role_aware else None
        for layer in (self.query, self.key, self.value, self.output, self.ffn[0], self.ffn[2]):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.condition = nn.Linear(dim, 2 * dim) if conditional else None
        if self.condition is not None:
            nn.init.normal_(self.condition.weight, std=0.02)
            nn.init.zeros_(self.condition.bias)

    def forward(
        self,
        nodes: Tensor,
        roles: Tensor,
        mask: Tensor,
        condition: Optional[Tensor] = None,
        return_attention: bool = False,
        blocks: Optional[Sequence[int]] = None,
    ) -> Union[Tensor, Tuple[Tensor, Tensor]]:
        """Nodes after one exchange, zero where they are padding.

        Args:
            nodes: ``[B, n, d]``.
            roles: Booleans ``[B or 1, R, n, n]``: whether an edge of type r goes from i to j.
            mask: Booleans ``[B, n]``, true for real nodes.
            condition: ``[B, n or 1, d]``; without one a conditional layer works as if there were no condition.
            return_attention: Also return the weights of the edges, ``[B, heads, n, n]``.
            blocks: Sizes of runs of nodes, with the sum n: a promise that the types of an edge from i to j, where there
                is one, are those of the edge between the first nodes of their runs.

        Raises:
            ValueError: another number of types than R, blocks of another number of nodes, or a condition for a layer
                that takes none.
        """
        if roles.size(1) != self.num_roles:
            raise ValueError(f'roles has {roles.size(1)} types for num_roles={self.num_roles}')
        if condition is not None and self.condition is None:
            raise ValueError('the layer takes no condition; build it with conditional=True')
        if blocks is not None and sum(blocks) != nodes.size(1):
            raise ValueError(f'blocks {tuple(blocks)} have {sum(blocks)} nodes; expected {nodes.size(1)}')
        read = nodes
        if condition is not None:
            bounded, free = self.condition(condition).chunk(2, dim=-1)
            read = nodes * (1 + bounded.tanh() + free)
        query, key, value = (self._split(layer(read)) for layer in (self.query, self.key, self.value))
        neighbours = roles.any(dim=1) & mask[:, None] & mask[:, :, None]
        if self.role_embed is None:
            weights = self._attend(self._product(query, key), neighbours)
            messages = weights @ value
        elif blocks is not None:
            explains = return_attention or self.topk is not None
            messages, weights = self._by_block(query, key, value, roles, neighbours, blocks, explains)
        elif nodes.size(1) <= self.dense_nodes:
            messages, weights = self._dense(query, key, value, roles, neighbours)
        else:
            messages, weights = self._by_type(query, key, value, roles, neighbours)
        messages = messages.transpose(1, 2).flatten(2).to(nodes.dtype)
        nodes = self.norms[0](nodes + self.dropout(self.output(messages)))
        nodes = self.norms[1](nodes + self.dropout(self.ffn(nodes)))
        nodes = nodes * mask[..., None]
        return (nodes, weights) if return_attention else nodes

    def _split(self, nodes: Tensor) -> Tensor:
        """``[B, n, d]`` to ``[B, heads, n, d / heads]``."""
        return nodes.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    @staticmethod
    def _product(query: Tensor, key: Tensor) -> Tensor:
        return query @ key.transpose(-1, -2) * query.size(-1) ** -0.5

    def _attend(self, scores: Tensor, neighbours: Tensor) -> Tensor:
        kept = neighbours[:, None]
        if self.topk is not None and self.topk < scores.size(-1):
            # By index, so that of equal scores no more than k stay.
            best = scores.float().masked_fill(~kept, float('-inf')).topk(self.topk, dim=-1).indices
            kept = kept & torch.zeros_like(scores, dtype=torch.bool).scatter(-1, best, True)
        return masked_softmax(scores, kept).to(scores.dtype)

    def _dense(
        self, query: Tensor, key: Tensor, value: Tensor, roles: Tensor, neighbours: Tensor
    ) -> Tuple[Tensor, Tensor]:
        embed = self.role_embed.to(query.dtype)
        factor = 1 + torch.einsum('brij,rd->bijd', roles.to(query.dtype), embed)
        factor = factor.unflatten(-1, (self.heads, -1)).permute(0, 3, 1, 2, 4)
        scores = ((query[:, :, :, None] * factor) * key[:, :, None]).sum(dim=-1) * query.size(-1) ** -0.5
        weights = self._attend(scores, neighbours)
        return (weights[..., None] * value[:, :, None] * factor).sum(dim=3), weights

    def _by_block(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        roles: Tensor,
        neighbours: Tensor,
        blocks: Sequence[int],
        explains: bool,
    ) -> Tuple[Tensor, Optional[Tensor]]:
        sizes, begins = list(blocks), list(accumulate(blocks[:-1], initial=0))
        types = torch.stack([torch.stack([roles[..., i, j] for j in begins], dim=-1) for i in begins], dim=-2)
        factor = 1 + torch.einsum('brik,rd->bikd', types.to(query.dtype), self.role_embed.to(query.dtype))
        # What the nodes of each block multiply all keys and values with, ``[B or 1, heads, n, d / heads]``.
        spread = torch.cat([part.expand(-1, -1, size, -1) for part, size in zip(factor.split(1, 2), sizes)], dim=2)
        factors = [self._split(each) for each in spread.unbind(dim=1)]
        queries = query.split(sizes, dim=2)
        if not explains:
            near = neighbours.split(sizes, dim=1)
            parts = [_fused(rows, key * each, value * each, kept) for rows, each, kept in zip(queries, factors, near)]
            return torch.cat(parts, dim=2), None
        scores = torch.cat([self._product(rows, key * each) for rows, each in zip(queries, factors)], dim=2)
        weights = self._attend(scores, neighbours)
        parts = [rows @ (value * each) for rows, each in zip(weights.split(sizes, dim=2), factors)]
        return torch.cat(parts, dim=2), weights

    def _by_type(
        self, query: Tensor, key: Tensor, value: Tensor, roles: Tensor, neighbours: Tensor
    ) -> Tuple[Tensor, Tensor]:
        embed = self.role_embed.to(query.dtype).unflatten(-1, (self.heads, 1, -1))
        scores = self._product(query, key)
        for number in range(self.num_roles):
            scores = scores + roles[:, number, None] * self._product(query * embed[number], key)
        weights = self._attend(scores, neighbours)
        messages = weights @ value
        for number in range(self.num_roles):
            messages = messages + ((weights * roles[:, number, None]) @ value) * embed[number]
        return messages, weights


def _fused(query: Tensor, key: Tensor, value: Tensor, neighbours: Tensor) -> Tensor:
    """Attention of ``[B, heads, m, d]`` to ``[B, heads, n, d]`` where ``neighbours [B, m, n]``; zeros without any."""
    is_alone = ~neighbours.any(dim=2, keepdim=True)
    found = F.scaled_dot_product_attention(query, key, value, attn_mask=(neighbours | is_alone)[:, None])
    return found.masked_fill(is_alone[:, None], 0)
