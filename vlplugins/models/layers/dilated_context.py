"""Contexts of growing extent around each segment of a sequence (coarse stream of DCIN)."""

from typing import List, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS

_OPERATORS = ('conv', 'attention')


class MaskedConv(nn.Module):
    """Dilated convolution over time that sees zeros at padded and absent places: ``[B, N, d] -> [B, N, d]``."""

    def __init__(self, channels: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        padding = dilation * (kernel_size - 1) // 2
        self.conv = nn.Conv1d(channels, channels, kernel_size, padding=padding, dilation=dilation)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Convolve ``features [B, N, d]`` after what ``mask [B, N]`` leaves out has been set to zero.

        Biases and normalisation make padded places non-zero, and a wide dilation would carry them back.
        """
        return self.conv((features * mask[..., None]).transpose(1, 2)).transpose(1, 2)


class DilatedAttention(nn.Module):
    """Attention of a place to the places at ``i + j * dilation``, ``|j| <= reach``; time linear in N.

    A learned bias for each head and offset tells the neighbours apart. The place itself is always a key, so that no
    row is empty.

    Args:
        channels: d.
        num_heads: Heads.
        dilation: Distance between keys.
        reach: Keys on each side.

    Raises:
        ValueError: heads that do not divide the channels.
    """

    def __init__(self, channels: int, num_heads: int, dilation: int, reach: int) -> None:
        super().__init__()
        if channels % num_heads:
            raise ValueError(f'channels {channels} cannot be divided among num_heads {num_heads}')
        self.num_heads, self.dilation, self.reach = num_heads, dilation, reach
        self.in_proj = nn.Linear(channels, 3 * channels)
        self.out_proj = nn.Linear(channels, channels)
        self.bias = nn.Parameter(torch.zeros(num_heads, 2 * reach + 1))

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Attend in ``features [B, N, d]`` to the places of ``mask [B, N]``; ``[B, N, d]``."""
        batch, length, channels = features.shape
        query, key, value = self.in_proj(features * mask[..., None]).chunk(3, dim=-1)
        pad = self.reach * self.dilation
        offsets = self.dilation * torch.arange(2 * self.reach + 1, device=features.device)
        places = torch.arange(length, device=features.device)[:, None] + offsets  # [N, K], into the padded sequence
        split = (batch, length, 2 * self.reach + 1, self.num_heads, channels // self.num_heads)
        keys = F.pad(key, (0, 0, pad, pad))[:, places].view(split)
        values = F.pad(value, (0, 0, pad, pad))[:, places].view(split)
        valid = F.pad(mask, (pad, pad))[:, places]
        # A padded place has itself as its only key, so that no row is empty; the caller masks its output.
        valid = valid | (offsets == pad)
        query = query.view(batch, length, 1, self.num_heads, -1)
        logits = (query * keys).sum(dim=-1) * query.size(-1) ** -0.5 + self.bias.T
        weights = logits.float().masked_fill(~valid[..., None], -torch.inf).softmax(dim=2).to(values.dtype)
        return self.out_proj((weights[..., None] * values).sum(dim=2).flatten(2))


@MODELS.register_module()
class DilatedContextStream(nn.Module):
    """Contexts C_1..C_G of growing extent: ``C_g = LN(C_{g-1} + Dropout(GELU(U_g(C_{g-1}))))``, ``C_0 = X``.

    The abstract of DCIN (Li et al., ACM Multimedia 2022) tells that a coarse stream models contexts of several
    granularities; the layout is ours. With stacking and kernel 3 the contexts see 3, 7, 15, 31 places at the default
    dilations, with ``parallel`` 3, 5, 9, 17.

    Args:
        channels: d.
        dilations: Dilation of each context; G of them.
        kernel_size: Odd size of the kernel.
        operator: ``'conv'`` or ``'attention'``.
        parallel: Every context is computed from X instead of the one before it.
        dropout: Share of the new part that is dropped.
        num_heads: Heads of ``'attention'``.
        span: ``'attention'`` reaches ``span * (kernel_size - 1) / 2`` keys to each side.

    Raises:
        ValueError: an unknown operator, an even kernel, no dilation, or heads that do not divide the channels.
    """

    def __init__(
        self,
        channels: int,
        dilations: Sequence[int] = (1, 2, 4, 8),
        kernel_size: int = 3,
        operator: str = 'conv',
        parallel: bool = False,
        dropout: float = 0.1,
        num_heads: int = 4,
        span: int = 1,
    ) -> None:
        super().__init__()
        if operator not in _OPERATORS:
            raise ValueError(f'operator {operator!r} is unknown; expected one of {_OPERATORS}')
        if kernel_size % 2 == 0 or not dilations or min(dilations) < 1:
            raise ValueError(f'kernel_size {kernel_size} must be odd, and dilations {tuple(dilations)} at least 1')
        self.parallel, self.num_granularities = parallel, len(dilations)
        reach = span * (kernel_size - 1) // 2
        self.operators = nn.ModuleList(
            MaskedConv(channels, kernel_size, dilation)
            if operator == 'conv'
            else DilatedAttention(channels, num_heads, dilation, reach)
            for dilation in dilations
        )
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in dilations)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, mask: Tensor) -> List[Tensor]:
        """Contexts, G tensors ``[B, N, d]`` that are zero at padded places.

        Args:
            features: X, ``[B, N, d]``.
            mask: ``[B, N]`` booleans, true for real places.
        """
        contexts, current = [], features
        for operator, norm in zip(self.operators, self.norms):
            new = self.dropout(F.gelu(operator(current, mask)))
            context = norm(current + new) * mask[..., None]
            contexts.append(context)
            current = features if self.parallel else context
        return contexts
