"""Batches in which no video occurs twice."""

from typing import Any, Iterator, List

import numpy as np
from mmengine.dist import get_dist_info
from torch.utils.data import BatchSampler, Sampler

from vlplugins.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class UniqueVideoBatchSampler(BatchSampler):
    """Batches without two captions of one video, over all processes: such captions would be negatives of each other.

    A batch of all processes draws G distinct videos with probabilities proportional to their unused captions, and one
    unused caption of each. Videos that would otherwise have more captions left than batches remain come first, which
    gives as many batches as there can be, the same number in every epoch. Captions that fit into no full batch are
    left out; other ones each epoch.

    The order follows from seed and epoch of ``sampler`` alone, so that training resumed at an epoch goes on as it
    would have, and all processes agree. As ``batch_sampler`` of a loader whose ``sampler`` is mmengine's
    ``DefaultSampler`` MMEngine sets the epoch; the loader must not have ``drop_last``.

    Args:
        sampler: Sampler of the data set, with ``dataset``, ``seed`` and ``epoch``. Its order is not used.
        batch_size: Samples of a batch on each process.

    Raises:
        ValueError: a sampler without these attributes, records without ``video_index``, or fewer videos than a batch of
            all processes.
    """

    def __init__(self, sampler: Sampler, batch_size: int) -> None:
        missing = [name for name in ('dataset', 'seed', 'epoch') if not hasattr(sampler, name)]
        if missing:
            raise ValueError(f"{type(sampler).__name__} has no {missing}; use dict(type='DefaultSampler')")
        super().__init__(sampler, batch_size, drop_last=True)
        self.rank, world_size = get_dist_info()
        self.global_size = batch_size * world_size
        self.members = self._group(sampler.dataset)
        self._num_batches = self._most_batches(np.array([len(each) for each in self.members]))
        if self._num_batches == 0:
            raise ValueError(f'{len(self.members)} videos do not fill a batch of {self.global_size} distinct ones')

    @staticmethod
    def _group(dataset: Any) -> List[np.ndarray]:
        groups: dict = {}
        for index in range(len(dataset)):
            info = dataset.get_data_info(index)
            if 'video_index' not in info:
                raise ValueError(f'record {index} of {type(dataset).__name__} has no video_index')
            groups.setdefault(info['video_index'], []).append(index)
        return [np.array(groups[key]) for key in sorted(groups)]

    def _most_batches(self, counts: np.ndarray) -> int:
        """Largest B for which every batch of B can be filled: sum over the videos of min(count, B) >= B * G."""
        low, high = 0, int(counts.sum()) // self.global_size
        while low < high:
            middle = (low + high + 1) // 2
            if np.minimum(counts, middle).sum() >= middle * self.global_size:
                low = middle
            else:
                high = middle - 1
        return low

    def __len__(self) -> int:
        """Batches of an epoch."""
        return self._num_batches

    def __iter__(self) -> Iterator[List[int]]:
        rng = np.random.default_rng([int(self.sampler.seed), int(self.sampler.epoch)])
        order = [rng.permutation(each) for each in self.members]
        left = np.array([len(each) for each in order])
        begin = self.rank * self.batch_size
        for remaining in range(self._num_batches, 0, -1):
            videos = self._draw_videos(left, remaining, rng)
            left[videos] -= 1
            batch = [int(order[video][left[video]]) for video in videos]
            yield batch[begin : begin + self.batch_size]

    def _draw_videos(self, left: np.ndarray, remaining: int, rng: np.random.Generator) -> np.ndarray:
        # Weighted draw without replacement: the largest of log(u) / weight (Efraimidis and Spirakis, 2006).
        with np.errstate(divide='ignore'):
            keys = np.log(rng.random(len(left))) / left
        keys[left >= remaining] += 1e9
        chosen = np.argpartition(-keys, self.global_size - 1)[: self.global_size]
        return rng.permutation(chosen)
