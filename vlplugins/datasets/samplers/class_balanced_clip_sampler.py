"""Clips of rare classes more often."""

import math
from typing import Any, Iterator, Optional

import numpy as np
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from vlplugins.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class ClassBalancedClipSampler(Sampler):
    """Repeats a clip by the rarest of its labels (repeat factors of Gupta et al., LVIS, CVPR 2019, for many labels).

    The factor of a clip is the largest of ``max(1, sqrt(t / f_c))`` over its labels, f_c the share of clips with the
    label c. The fractional part is decided by a coin in each epoch. An epoch has always as many clips as the factors
    sum up to, so that its length is known. MMEngine's ``ClassBalancedDataset`` repeats by whole numbers alone.

    The order follows from seed and epoch, so that training resumes as it would have gone on, and all processes agree.

    Args:
        dataset: A data set whose records have ``gt_labels [C]``.
        oversample_thr: t, the share below which a label counts as rare.
        seed: Seed; by default one that all processes share.
        round_up: Repeat some clips so that all processes have as many.

    Raises:
        ValueError: a record without ``gt_labels``, or ``oversample_thr`` outside 0..1.
    """

    def __init__(
        self, dataset: Any, oversample_thr: float = 0.1, seed: Optional[int] = None, round_up: bool = True
    ) -> None:
        if not 0 < oversample_thr <= 1:
            raise ValueError(f'oversample_thr {oversample_thr} must be above 0 and at most 1')
        self.rank, self.world_size = get_dist_info()
        self.dataset, self.oversample_thr, self.round_up = dataset, oversample_thr, round_up
        self.seed, self.epoch = sync_random_seed() if seed is None else seed, 0
        self.factors = self._repeat_factors()
        self.total = max(int(round(self.factors.sum())), 1)

    def _repeat_factors(self) -> np.ndarray:
        """Factor of each clip, ``[L]``, at least 1."""
        rows = []
        for index in range(len(self.dataset)):
            info = self.dataset.get_data_info(index)
            if info.get('gt_labels') is None:
                raise ValueError(f'record {index} of {type(self.dataset).__name__} has no gt_labels')
            rows.append(np.asarray(info['gt_labels']) > 0)
        labels = np.stack(rows)
        share = labels.mean(axis=0)
        by_class = np.sqrt(self.oversample_thr / np.where(share > 0, share, 1.0)).clip(min=1.0)
        return np.where(labels, by_class, 1.0).max(axis=1)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, which MMEngine's runner does."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Clips of this process in an epoch."""
        count = self.total / self.world_size
        return math.ceil(count) if self.round_up else math.ceil((self.total - self.rank) / self.world_size)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([int(self.seed), int(self.epoch)])
        whole = np.floor(self.factors)
        repeats = whole + (rng.random(len(whole)) < self.factors - whole)
        order = rng.permutation(np.repeat(np.arange(len(whole)), repeats.astype(int)))[: self.total]
        needed = len(self) * self.world_size if self.round_up else self.total
        more = rng.choice(len(whole), max(needed - len(order), 0), p=self.factors / self.factors.sum())
        return iter(np.concatenate([order, more]).astype(int)[self.rank : needed : self.world_size].tolist())
