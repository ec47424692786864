"""Shuffled batch normalisation of MoCo: keys are normalised in other company than queries."""

from typing import Callable, Tuple

import torch
from mmengine.dist import broadcast, get_world_size
from torch import Tensor

from vlplugins.utils.distributed import gather, offset_of_rank


# Not compiled: it communicates, and Inductor of torch 2.13 fails on indexing by a permutation.
@torch.compiler.disable
@torch.no_grad()
def shuffle_batch(images: Tensor) -> Tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Exchange the images of all processes by one random permutation (MoCo, He et al., CVPR 2020, sec. 3.3).

    Without it, the positive pair could be told by the batch statistics that query and key share. On one process the
    batch is permuted in itself, which changes no statistics.

    Args:
        images: ``[N, ...]``, the same ``N`` on every process.

    Returns:
        The shuffled images of this process, and a function that brings ``[N, D]`` features of the shuffled images
        back into the order of ``images``.
    """
    begin = offset_of_rank(images, equal_sizes=True)
    size = images.size(0)
    joined = gather(images, equal_sizes=True)
    order = torch.randperm(size * get_world_size(), device=images.device)
    broadcast(order)
    inverse = torch.argsort(order)

    def restore(features: Tensor) -> Tensor:
        return gather(features, equal_sizes=True)[inverse[begin : begin + size]]

    return joined[order[begin : begin + size]], restore


def run_in_splits(function: Callable[[Tensor], Tensor], inputs: Tensor, splits: int) -> Tensor:
    """Run ``function`` on ``splits`` equal parts of ``inputs [N, ...]`` and join the results ``[N, D]``.

    Each part has batch statistics of its own: several processes imitated on one.

    Raises:
        ValueError: ``N`` is not a multiple of ``splits``.
    """
    if splits == 1:
        return function(inputs)
    if inputs.size(0) % splits:
        raise ValueError(f'a batch of {inputs.size(0)} cannot be cut into {splits} equal parts (bn_splits)')
    return torch.cat([function(part) for part in inputs.chunk(splits)])
