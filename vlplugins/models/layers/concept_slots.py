"""Concepts of a part of a video, where there are no detected objects."""

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class ConceptSlots(nn.Module):
    """K learned queries look at the features h of each part.

    ``o_k = LN(ReLU(W_k sum_l softmax_l(s_k . h_l / sqrt(d)) h_l + b_k))``.
    Each slot has a matrix of its own, so that slots differ where a part has one feature alone.

    Args:
        dim: d.
        num_slots: K.

    Raises:
        ValueError: ``num_slots`` below 1.
    """

    def __init__(self, dim: int, num_slots: int = 4) -> None:
        super().__init__()
        if num_slots < 1:
            raise ValueError(f'num_slots {num_slots} must be at least 1')
        self.queries = nn.Parameter(0.02 * torch.randn(num_slots, dim))
        self.weight = nn.Parameter(torch.empty(num_slots, dim, dim))
        self.bias = nn.Parameter(torch.zeros(num_slots, dim))
        self.norm = nn.LayerNorm(dim)
        for matrix in self.weight:
            nn.init.xavier_uniform_(matrix)

    def forward(self, features: Tensor) -> Tensor:
        """Concepts ``[B, P, K, d]`` of P parts with S features each, ``[B, P, S, d]``."""
        logits = torch.einsum('kd,bpsd->bpks', self.queries, features) * features.size(-1) ** -0.5
        pooled = logits.float().softmax(dim=-1).to(features.dtype) @ features
        mapped = torch.einsum('bpkd,kde->bpke', pooled, self.weight) + self.bias
        return self.norm(mapped.relu())
