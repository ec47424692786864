"""Tensors joined over processes, so that N processes compute what one process computes on the joined batch.

All functions return their argument unchanged on a single process.
"""

from typing import List

import torch
import torch.distributed as torch_dist
from mmengine.dist import get_rank, get_world_size
from torch import Tensor


def _batch_sizes(tensor: Tensor) -> List[int]:
    sizes = [torch.zeros(1, dtype=torch.long, device=tensor.device) for _ in range(get_world_size())]
    torch_dist.all_gather(sizes, torch.tensor([tensor.size(0)], device=tensor.device))
    return [int(size) for size in sizes]


def _gather_parts(tensor: Tensor, sizes: List[int]) -> Tensor:
    longest = max(sizes)
    padded = tensor
    if tensor.size(0) < longest:
        padded = torch.cat([tensor, tensor.new_zeros(longest - tensor.size(0), *tensor.shape[1:])])
    parts = [torch.empty_like(padded, memory_format=torch.contiguous_format) for _ in sizes]
    torch_dist.all_gather(parts, padded.contiguous())
    return torch.cat([part[:size] for part, size in zip(parts, sizes)])


@torch.no_grad()
def gather(tensor: Tensor, equal_sizes: bool = False) -> Tensor:
    """Join ``tensor [N_r, ...]`` of all processes to ``[sum of N_r, ...]`` in rank order, without gradient.

    Args:
        tensor: The part of this process.
        equal_sizes: Promise that every process holds the same ``N_r``; saves the exchange of the sizes.
    """
    world = get_world_size()
    if world == 1:
        return tensor.detach()
    sizes = [tensor.size(0)] * world if equal_sizes else _batch_sizes(tensor)
    return _gather_parts(tensor.detach(), sizes)


def offset_of_rank(tensor: Tensor, equal_sizes: bool = False) -> int:
    """Row in ``gather(tensor)`` at which the part of this process begins."""
    if get_world_size() == 1:
        return 0
    return get_rank() * tensor.size(0) if equal_sizes else sum(_batch_sizes(tensor)[: get_rank()])


class _GatherWithGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor: Tensor, sizes: List[int]) -> Tensor:
        ctx.begin, ctx.size = sum(sizes[: get_rank()]), tensor.size(0)
        return _gather_parts(tensor, sizes)

    @staticmethod
    def backward(ctx, grad: Tensor):
        grad = grad.contiguous().clone()
        torch_dist.all_reduce(grad)
        return grad[ctx.begin : ctx.begin + ctx.size], None


def gather_with_grad(tensor: Tensor, equal_sizes: bool = False) -> Tensor:
    """Join ``tensor [N_r, ...]`` of all processes to ``[sum of N_r, ...]``, differentiable.

    The gradient of a part is summed over the losses of all processes. With the averaging of
    ``DistributedDataParallel``, a loss that is the mean over equal parts has then the gradient of one process on the
    joined batch.

    Args:
        tensor: The part of this process.
        equal_sizes: Promise that every process holds the same ``N_r``; saves the exchange of the sizes.
    """
    world = get_world_size()
    if world == 1:
        return tensor
    sizes = [tensor.size(0)] * world if equal_sizes else _batch_sizes(tensor)
    return _GatherWithGrad.apply(tensor, sizes)


class _AllReduceWithGrad(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor: Tensor) -> Tensor:
        total = tensor.contiguous().clone()
        torch_dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad: Tensor) -> Tensor:
        grad = grad.contiguous().clone()
        torch_dist.all_reduce(grad)
        return grad


def all_reduce_with_grad(tensor: Tensor) -> Tensor:
    """Sum ``tensor`` of any shape over the processes; its gradient is summed over them likewise."""
    return tensor if get_world_size() == 1 else _AllReduceWithGrad.apply(tensor)


@torch.no_grad()
def mean_divisor(count: Tensor) -> Tensor:
    """What a process divides the sum of its terms by, so that the mean over processes is that of the joined batch.

    Args:
        count: Scalar, the number of terms of this process; they may differ between processes.

    Returns:
        Scalar in single precision: the joined number, at least 1, divided by the number of processes.
    """
    total = count.detach().float().clone()
    if get_world_size() > 1:
        torch_dist.all_reduce(total)
    return total.clamp(min=1) / get_world_size()
