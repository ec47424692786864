"""Which tokens belong to a box or a phrase, and the mean over them."""

from typing import Tuple

import torch
from torch import Tensor


def box_members(boxes: Tensor, grid: Tuple[int, int], image_size: Tuple[int, int]) -> Tensor:
    """Patches whose centres lie in boxes, ``x1 <= x < x2`` and ``y1 <= y < y2``.

    A box without a centre has the one patch in which its own centre lies, so that every box has a member.

    Args:
        boxes: ``[..., 4]``, ``xyxy`` in pixels of the input of the network.
        grid: Rows and columns of patches.
        image_size: Height and width of the input, in pixels.

    Returns:
        Booleans ``[..., n]``, n patches in row-major order.
    """
    (rows, columns), (height, width) = grid, image_size
    y = (torch.arange(rows, device=boxes.device) + 0.5) * (height / rows)
    x = (torch.arange(columns, device=boxes.device) + 0.5) * (width / columns)
    x1, y1, x2, y2 = (side[..., None] for side in boxes.float().unbind(dim=-1))
    inside = ((y >= y1) & (y < y2))[..., :, None] & ((x >= x1) & (x < x2))[..., None, :]
    members = inside.flatten(-2)
    row = ((y1 + y2) / 2 * (rows / height)).long().clamp(0, rows - 1)
    column = ((x1 + x2) / 2 * (columns / width)).long().clamp(0, columns - 1)
    nearest = torch.arange(rows * columns, device=boxes.device) == row * columns + column
    return members | (nearest & ~members.any(dim=-1, keepdim=True))


def span_members(spans: Tensor, text_mask: Tensor) -> Tensor:
    """Tokens of phrases: ``spans [B, N, 2]``, start and exclusive end, to booleans ``[B, N, L]``; none at padding.

    Args:
        spans: Integers; an empty span (end not after start) has no token.
        text_mask: ``[B, L]`` booleans, True is a token.
    """
    position = torch.arange(text_mask.size(1), device=spans.device)
    return (position >= spans[..., :1]) & (position < spans[..., 1:]) & text_mask[:, None]


def pool_members(tokens: Tensor, members: Tensor) -> Tensor:
    """Mean of ``tokens [..., n, D]`` over each row of ``members [..., R, n]``: ``[..., R, D]``, zeros for an empty row.

    Tokens that belong to no row may be NaN.
    """
    used = members.any(dim=-2)[..., None]
    tokens = torch.where(used, tokens, torch.zeros_like(tokens))
    weights = members / members.sum(dim=-1, keepdim=True).clamp(min=1)
    return weights.to(tokens.dtype) @ tokens
