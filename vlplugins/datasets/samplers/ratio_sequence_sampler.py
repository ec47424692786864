"""Records of several sets in given ratios."""

from typing import Any, Iterator, Optional, Sequence

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from vlplugins.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class RatioSequenceSampler(Sampler):
    """Draws a set by its ratio, and a record of it uniformly, with replacement; for sets of very different sizes.

    The order follows from seed and epoch alone: a resumed run goes on as it would have, and processes take turns in
    one common order, so that no draw is made twice.

    Args:
        dataset: A ``ConcatDataset``, or a single set.
        ratios: How often each set is drawn, relative to the others; all alike by default.
        samples_per_epoch: Draws of an epoch, of all processes together.
        seed: Seed of all draws; by default one that all processes agree on.

    Raises:
        ValueError: another number of ratios than of sets, negative ones or no positive one, a set that is drawn but has
            no record, or fewer draws than processes.
    """

    def __init__(
        self,
        dataset: Any,
        ratios: Optional[Sequence[float]] = None,
        samples_per_epoch: int = 10000,
        seed: Optional[int] = None,
    ) -> None:
        ends = np.array(getattr(dataset, 'cumulative_sizes', [len(dataset)]), dtype=np.int64)
        self.sizes = np.diff(ends, prepend=0)
        self.starts = ends - self.sizes
        shares = np.ones(len(ends)) if ratios is None else np.array(ratios, dtype=np.float64)
        if shares.shape != ends.shape or (shares < 0).any() or not shares.sum() > 0:
            raise ValueError(f'ratios {ratios}: expected a number from 0 for each of {len(ends)} sets, not all 0')
        if (self.sizes[shares > 0] == 0).any():
            raise ValueError(f'ratios {ratios} draw from a set without records; the sets have {self.sizes.tolist()}')
        self.rank, self.world_size = get_dist_info()
        if samples_per_epoch < self.world_size:
            raise ValueError(f'samples_per_epoch {samples_per_epoch} is less than {self.world_size} processes')
        self.shares = shares / shares.sum()
        self.samples_per_epoch, self.epoch = samples_per_epoch, 0
        self.seed = sync_random_seed() if seed is None else seed

    def __len__(self) -> int:
        """Draws of an epoch on this process."""
        return self.samples_per_epoch // self.world_size

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self.seed, self.epoch])
        count = len(self) * self.world_size
        chosen = rng.choice(len(self.shares), size=count, p=self.shares)
        indices = self.starts[chosen] + (rng.random(count) * self.sizes[chosen]).astype(np.int64)
        return iter(indices[self.rank :: self.world_size].tolist())

    def set_epoch(self, epoch: int) -> None:
        """Choose the draws of an epoch."""
        self.epoch = epoch
