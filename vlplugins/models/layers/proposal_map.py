"""Maps over all segments of P positions: entry (i, j) is the segment from the start of i to the end of j."""

from typing import Any, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def proposal_mask(positions: int, sparse: bool = False, device: Optional[torch.device] = None) -> Tensor:
    """Which segments there are, booleans ``[P, P]``: i <= j.

    Args:
        positions: P.
        sparse: Of lengths above 16 only every second, above 32 only every fourth, with starts in the same steps
            (2D-TAN, Zhang et al., AAAI 2020).
        device: Where the mask is made.
    """
    first = torch.arange(positions, device=device)
    length = first[None] - first[:, None] + 1
    mask = length >= 1
    if sparse:
        for bound, stride in ((16, 2), (32, 4)):
            off_grid = (first[:, None] % stride != 0) | ((length - bound) % stride != 0)
            mask &= ~((length > bound) & off_grid)
    return mask


def proposal_bounds(positions: int, device: Optional[torch.device] = None) -> Tensor:
    """Start and end of each segment as shares of the whole, ``[P, P, 2]``; ``[i / P, (j + 1) / P]``."""
    places = torch.arange(positions, dtype=torch.float, device=device)
    start, end = torch.meshgrid(places, places + 1, indexing='ij')
    return torch.stack([start, end], dim=-1) / positions


def segment_max(nodes: Tensor) -> Tensor:
    """Element-wise maximum of ``nodes [B, P, d]`` over each segment, ``[B, P, P, d]``, zero where j < i.

    One maximum for each entry: that up to j is that up to j - 1, and j. Of equal nodes the first has the gradient.
    """
    return _SegmentMax.apply(nodes)


class _SegmentMax(torch.autograd.Function):
    """Columns of the map are written in place, which autograd by itself would pay for with a copy of the map each."""

    @staticmethod
    def forward(ctx: Any, nodes: Tensor) -> Tensor:
        batch, size, channels = nodes.shape
        highest = nodes.new_zeros(batch, size, size, channels)
        for end in range(size):
            highest[:, end, end] = nodes[:, end]
            torch.maximum(highest[:, :end, end - 1], nodes[:, end : end + 1], out=highest[:, :end, end])
        ctx.save_for_backward(highest)
        return highest

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (highest,) = ctx.saved_tensors
        size = grad.size(1)
        found = torch.zeros_like(grad[:, 0])
        carried = grad[:, :0, 0]
        for end in range(size - 1, -1, -1):
            # What reaches the maxima up to `end`: of the map, and of those that go on.
            total = grad[:, : end + 1, end]
            total = total if end == size - 1 else total + carried
            is_new = highest[:, :end, end] > highest[:, :end, end - 1]
            found[:, end] = total[:, end] + (total[:, :end] * is_new).sum(dim=1)
            carried = total[:, :end] * ~is_new
        return found


def segment_sum(values: Tensor) -> Tensor:
    """Sum of ``values [..., P, d]`` over each segment, ``[..., P, P, d]``, zero where j < i, by prefix sums."""
    size = values.size(-2)
    total = F.pad(values.float().cumsum(dim=-2), (0, 0, 1, 0))
    sums = total[..., None, 1:, :] - total[..., :size, None, :]
    return (sums * proposal_mask(size, device=sums.device)[..., None]).to(values.dtype)


def proposal_lengths(positions: int, device: Optional[torch.device] = None) -> Tensor:
    """Positions of each segment, ``[P, P]``, at least 1."""
    first = torch.arange(positions, device=device)
    return (first[None] - first[:, None] + 1).clamp(min=1)


def proposal_iou(truth: Tensor, positions: int) -> Tensor:
    """Overlap of each segment with ``truth [B, 2]`` (shares of the whole), ``[B, P, P]``; what j < i has means nothing.

    The intersection over the union.
    """
    bounds = proposal_bounds(positions, truth.device)
    start, end = (each[:, None, None] for each in truth.unbind(dim=-1))
    inside = (torch.minimum(bounds[..., 1], end) - torch.maximum(bounds[..., 0], start)).clamp(min=0)
    union = (bounds[..., 1] - bounds[..., 0]) + (end - start) - inside
    return inside / union.clamp(min=1e-8)


def position_overlap(truth: Tensor, positions: int) -> Tensor:
    """Share of each position that lies within ``truth [B, 2]`` (shares of the whole), ``[B, P]``."""
    start = torch.arange(positions, dtype=truth.dtype, device=truth.device) / positions
    inside = torch.minimum(start + 1 / positions, truth[:, 1:]) - torch.maximum(start, truth[:, :1])
    return (inside * positions).clamp(0, 1)


def coverage(mass: Tensor) -> Tensor:
    """Mass of the segments that cover each position: ``[..., P, P] -> [..., P]``, sums over i <= t <= j."""
    started = mass.cumsum(dim=-2)
    not_ended = started.flip(-1).cumsum(dim=-1).flip(-1)
    return not_ended.diagonal(dim1=-2, dim2=-1)


class MaskedConv2d(nn.Conv2d):
    """A convolution of a map whose edge, and whose entries that do not exist, weigh nothing.

    The result is divided by the share of valid entries under the kernel, and zero at invalid ones: a constant map stays
    one under a constant kernel (apart from the bias).

    Args:
        channels: Channels of input and output.
        kernel: Size of the kernel, odd.

    Raises:
        ValueError: an even kernel.
    """

    def __init__(self, channels: int, kernel: int) -> None:
        if kernel % 2 == 0:
            raise ValueError(f'kernel {kernel} must be odd')
        super().__init__(channels, channels, kernel, padding=kernel // 2)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Convolve ``features [B, d, P, P]``, of which ``mask [P, P]`` exist."""
        valid = mask[None, None].to(features.dtype)
        share = F.avg_pool2d(valid, self.kernel_size, stride=1, padding=self.padding)
        found = F.conv2d(features * valid, self.weight, None, padding=self.padding)
        found = found / share.clamp(min=1e-6) + self.bias[:, None, None]
        return found * valid
