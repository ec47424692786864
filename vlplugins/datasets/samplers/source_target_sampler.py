"""Batches with so many records of the source and so many of the target."""

from typing import Any, Iterator, Optional

import torch
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from vlplugins.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class SourceTargetSampler(Sampler):
    """An epoch is one pass over the source; the target starts anew, in a new order, whenever it is exhausted.

    Sources that fill no batch are left out; other ones each epoch. Processes draw disjoint records. The order follows
    from seed and epoch alone. In the loader, ``batch_size`` is that of the sampler and ``batch_sampler`` is ``None``.

    Args:
        dataset: A ``SourceTargetDataset``, or any with ``cumulative_sizes`` whose first part is the source.
        batch_size: Records of a batch on each process.
        source_size: Of these, from the source; they come first.
        target_size: Of these, from the target.
        shuffle: Draw in random order.
        seed: Seed; by default one that all processes agree on.

    Raises:
        ValueError: sizes that do not sum to the batch, a data set of one part, or parts too small for a batch on each
            process.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        source_size: int = 1,
        target_size: int = 1,
        shuffle: bool = True,
        seed: Optional[int] = None,
    ) -> None:
        if source_size < 1 or target_size < 1 or source_size + target_size != batch_size:
            raise ValueError(
                f'batch_size {batch_size} is not source_size {source_size} + target_size {target_size}, each at least 1'
            )
        sizes = list(getattr(dataset, 'cumulative_sizes', []))
        if len(sizes) < 2:
            raise ValueError(f'{type(dataset).__name__} has {len(sizes)} parts; expected a SourceTargetDataset')
        self.source_size, self.target_size, self.batch_size = source_size, target_size, batch_size
        self.num_source = getattr(dataset, 'source_size', sizes[0])
        self.num_target = sizes[-1] - self.num_source
        self.shuffle, self.epoch = shuffle, 0
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.num_batches = self.num_source // self.world_size // source_size
        if self.num_batches == 0 or self.num_target < self.world_size:
            raise ValueError(
                f'{self.num_source} sources and {self.num_target} targets do not give each of {self.world_size} '
                f'processes a batch of {source_size} + {target_size}'
            )

    def __len__(self) -> int:
        """Records of an epoch on this process."""
        return self.num_batches * self.batch_size

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        share = self.num_source // self.world_size
        source = self._order(self.num_source, generator)[self.rank : share * self.world_size : self.world_size]
        target = self._targets(generator)
        for batch in range(self.num_batches):
            yield from source[batch * self.source_size : (batch + 1) * self.source_size].tolist()
            for _ in range(self.target_size):
                yield next(target)

    def _order(self, count: int, generator: torch.Generator) -> torch.Tensor:
        return torch.randperm(count, generator=generator) if self.shuffle else torch.arange(count)

    def _targets(self, generator: torch.Generator) -> Iterator[int]:
        share = self.num_target // self.world_size
        while True:
            order = self._order(self.num_target, generator)[self.rank : share * self.world_size : self.world_size]
            yield from (order + self.num_source).tolist()

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of an epoch."""
        self.epoch = epoch
