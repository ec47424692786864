"""The pre-norm transformer block of CLIP (Radford et al., 2021), under the parameter names of its checkpoints."""

from collections import OrderedDict
from typing import Callable, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class QuickGELU(nn.Module):
    """``x * sigmoid(1.702 x)``, the approximation of GELU with which CLIP was trained."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Apply to a tensor of any shape."""
        return inputs * torch.sigmoid(1.702 * inputs)


class FullPrecisionLayerNorm(nn.LayerNorm):
    """Layer norm computed in single precision and cast back to the type of its input."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Normalise ``[..., D]``."""
        normed = F.layer_norm(inputs.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps)
        return normed.to(inputs.dtype)


class CLIPAttention(nn.Module):
    """Self-attention with the parameters of ``nn.MultiheadAttention``, through ``scaled_dot_product_attention``.

    Args:
        width: D.
        heads: Heads, a divisor of D.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or width % heads:
            raise ValueError(f'heads {heads} does not divide width {width}')
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, tokens: Tensor, mask: Optional[Tensor] = None, is_causal: bool = False) -> Tensor:
        """Attend.

        Args:
            tokens: ``[B, N, D]``.
            mask: Booleans that broadcast to ``[B, heads, N, N]``, true where a query (row) sees a key (column).
            is_causal: A token sees none after it; not together with ``mask``.

        Returns:
            ``[B, N, D]``.
        """
        joint = F.linear(tokens, self.in_proj_weight, self.in_proj_bias)
        queries, keys, values = joint.unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=is_causal)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class CLIPBlock(nn.Module):
    """``x + attn(ln_1(x))``, then ``x + mlp(ln_2(x))``.

    Args:
        width: D.
        heads: Heads of the attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attn = CLIPAttention(width, heads)
        self.ln_1 = FullPrecisionLayerNorm(width)
        self.mlp = nn.Sequential(
            OrderedDict(c_fc=nn.Linear(width, 4 * width), gelu=QuickGELU(), c_proj=nn.Linear(4 * width, width))
        )
        self.ln_2 = FullPrecisionLayerNorm(width)

    def forward(
        self,
        tokens: Tensor,
        mask: Optional[Tensor] = None,
        is_causal: bool = False,
        residual: Optional[Tensor] = None,
        shift: Optional[Callable[[Tensor], Tensor]] = None,
    ) -> Tensor:
        """Run the block.

        Args:
            tokens: ``[B, N, D]``.
            mask: As in :class:`CLIPAttention`.
            is_causal: As in :class:`CLIPAttention`.
            residual: ``[B, N, D]`` that the attention is added to instead of ``tokens``.
            shift: Applied to the trunk before the attention and before the MLP; keeps the shape.

        Returns:
            ``[B, N, D]``.
        """
        if shift is not None:
            tokens = shift(tokens)
        trunk = tokens if residual is None else residual
        tokens = trunk + self.attn(self.ln_1(tokens), mask, is_causal)
        if shift is not None:
            tokens = shift(tokens)
        return tokens + self.mlp(self.ln_2(tokens))


class CLIPBlocks(nn.Module):
    """A stack of blocks, ``resblocks.{i}``.

    Args:
        width: D.
        layers: Number of blocks.
        heads: Heads of the attention.
        with_cp: Recompute the inside of a block in the backward pass instead of keeping it.
    """

    def __init__(self, width: int, layers: int, heads: int, with_cp: bool = False) -> None:
        super().__init__()
        self.width, self.with_cp = width, with_cp
        self.resblocks = nn.ModuleList(CLIPBlock(width, heads) for _ in range(layers))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Initialise as CLIP does: branches that add to the trunk are scaled by the depth."""
        std, depth = self.width**-0.5, max(2 * len(self.resblocks), 1)
        for block in self.resblocks:
            nn.init.normal_(block.attn.in_proj_weight, std=std)
            nn.init.normal_(block.attn.out_proj.weight, std=std * depth**-0.5)
            nn.init.normal_(block.mlp.c_fc.weight, std=(2 * self.width) ** -0.5)
            nn.init.normal_(block.mlp.c_proj.weight, std=std * depth**-0.5)

    def run_block(self, index: int, tokens: Tensor, *args, **kwargs) -> Tensor:
        """Run one block on ``[B, N, D]``; further arguments as in :meth:`CLIPBlock.forward`."""
        block = self.resblocks[index]
        if self.with_cp and torch.is_grad_enabled():
            return checkpoint(block, tokens, *args, use_reentrant=False, **kwargs)
        return block(tokens, *args, **kwargs)

    def forward(self, tokens: Tensor, mask: Optional[Tensor] = None, is_causal: bool = False) -> Tensor:
        """Run all blocks on ``[B, N, D]``."""
        for index in range(len(self.resblocks)):
            tokens = self.run_block(index, tokens, mask, is_causal)
        return tokens

    def freeze(self, count: int) -> None:
        """Take the gradient from the first ``count`` blocks."""
        for block in self.resblocks[: max(count, 0)]:
            block.requires_grad_(False)
