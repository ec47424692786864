"""Softmax over what is valid."""

import torch
from torch import Tensor


def masked_softmax(scores: Tensor, mask: Tensor, dim: int = -1) -> Tensor:
    """Softmax along ``dim`` over the true entries of ``mask``, in single precision; zeros where none is true.

    Args:
        scores: Any shape.
        mask: Booleans of a shape that broadcasts to that of the scores.
        dim: The dimension.
    """
    filled = scores.float().masked_fill(~mask, torch.finfo(torch.float32).min)
    return filled.softmax(dim=dim) * mask
