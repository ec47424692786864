"""From scores of segments to scores of a clip (multiple-instance learning)."""

from typing import Optional

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class TopKPooling(nn.Module):
    """Mean of the ``ceil(n / ratio)`` largest logits of each class over the n real segments, at least one.

    Args:
        ratio: 4 takes the upper quarter. Infinity takes the maximum.

    Raises:
        ValueError: a ratio below 1.
    """

    needs_features = False

    def __init__(self, ratio: float = 4.0) -> None:
        super().__init__()
        if ratio < 1:
            raise ValueError(f'ratio {ratio} must be at least 1')
        self.ratio = ratio

    def forward(self, logits: Tensor, mask: Tensor, features: Optional[Tensor] = None) -> Tensor:
        """Pool ``logits [B, N, C]`` over the segments of ``mask [B, N]`` to ``[B, C]``."""
        counts = (mask.sum(dim=1) / self.ratio).ceil().clamp(min=1)
        ranked = logits.masked_fill(~mask[..., None], -torch.inf).sort(dim=1, descending=True).values
        taken = torch.arange(logits.size(1), device=logits.device)[None, :, None] < counts[:, None, None]
        # Where, not times: what is not taken may be infinite.
        total = torch.where(taken, ranked, torch.zeros_like(ranked)).sum(dim=1)
        return total / counts[:, None].to(total.dtype)


@MODELS.register_module()
class MaskedMaxPooling(nn.Module):
    """Largest logit of each class over the real segments."""

    needs_features = False

    def forward(self, logits: Tensor, mask: Tensor, features: Optional[Tensor] = None) -> Tensor:
        """Pool ``logits [B, N, C]`` over the segments of ``mask [B, N]`` to ``[B, C]``."""
        return logits.masked_fill(~mask[..., None], -torch.inf).amax(dim=1)


@MODELS.register_module()
class MaskedMeanPooling(nn.Module):
    """Mean logit of each class over the real segments."""

    needs_features = False

    def forward(self, logits: Tensor, mask: Tensor, features: Optional[Tensor] = None) -> Tensor:
        """Pool ``logits [B, N, C]`` over the segments of ``mask [B, N]`` to ``[B, C]``."""
        total = (logits * mask[..., None]).sum(dim=1)
        return total / mask.sum(dim=1, keepdim=True).clamp(min=1)


@MODELS.register_module()
class MaskedAttentionPooling(nn.Module):
    """Mean logit of each class, weighted by a softmax over time that a linear layer gives for the class.

    Args:
        channels: d of the features.
        num_classes: C.
    """

    needs_features = True

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.attention = nn.Linear(channels, num_classes)

    def forward(self, logits: Tensor, mask: Tensor, features: Optional[Tensor] = None) -> Tensor:
        """Pool ``logits [B, N, C]`` by ``features [B, N, d]`` over the segments of ``mask [B, N]`` to ``[B, C]``.

        Raises:
            ValueError: no features.
        """
        if features is None:
            raise ValueError('MaskedAttentionPooling needs the features of the segments')
        weights = self.attention(features).float().masked_fill(~mask[..., None], -torch.inf).softmax(dim=1)
        return (weights.to(logits.dtype) * logits).sum(dim=1)
