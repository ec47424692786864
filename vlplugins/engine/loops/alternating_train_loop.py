"""Training on several data sets by turns."""

import itertools
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from mmengine.dist import get_rank
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import BatchSampler, DataLoader

from vlplugins.registry import LOOPS
from vlplugins.utils.seeds import seed_generators


class _From:
    """The indices of a sampler but the first ones."""

    def __init__(self, sampler: Any, first: int) -> None:
        self.sampler, self.first = sampler, first

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(self.sampler, self.first, None)

    def __len__(self) -> int:
        return len(self.sampler) - self.first


class _Stream:
    """Batches of a loader without end; the sampler is told each new pass."""

    def __init__(self, loader: DataLoader) -> None:
        self.loader, self.passes = loader, 0
        self._batches: Optional[Iterator[Any]] = None

    def skip(self, count: int) -> None:
        """Go on behind so many batches, without loading those; before the first batch is taken."""
        self.passes, rest = divmod(count, len(self.loader))
        if rest and type(self.loader.batch_sampler) is BatchSampler:
            self._batches = self._behind(rest)
        elif rest:
            # A sampler of whole batches may choose each by those before: they must be made.
            for _ in range(rest):
                next(self)

    def _behind(self, count: int) -> Iterator[Any]:
        batches = self.loader.batch_sampler
        sampler = batches.sampler
        self._start_pass()
        batches.sampler = _From(sampler, count * batches.batch_size)
        try:
            yield from self._iterate()
        finally:
            batches.sampler = sampler

    def _iterate(self) -> Iterator[Any]:
        # A loader draws a seed for its workers whenever it starts, which a resumed run does at another step.
        with torch.random.fork_rng(devices=[]):
            return iter(self.loader)

    def _start_pass(self) -> None:
        for sampler in (self.loader.sampler, getattr(self.loader.batch_sampler, 'sampler', None)):
            if hasattr(sampler, 'set_epoch'):
                sampler.set_epoch(self.passes)

    def __next__(self) -> Any:
        if self._batches is None:
            self._start_pass()
            self._batches = self._iterate()
        try:
            return next(self._batches)
        except StopIteration:
            self.passes, self._batches = self.passes + 1, None
            return next(self)


class AlternatingLoader:
    """Loaders that give a batch each by turns, without end.

    What a runner asks of a loader (``dataset``, ``sampler``, ``batch_size``) is that of the first in the order; the
    length is that of one pass over it.

    Args:
        loaders: By name.
        order: Names in the order of their turns; a name may stand there several times.

    Raises:
        ValueError: an empty order, a name without loader, or a loader without a batch.
    """

    def __init__(self, loaders: Dict[str, DataLoader], order: Sequence[str]) -> None:
        check_order(order, loaders)
        empty = [name for name in order if not len(loaders[name])]
        if empty:
            raise ValueError(
                f'the loader {empty[0]!r} has no batch: its set is smaller than a batch, and drop_last is set'
            )
        self.loaders, self.order = loaders, tuple(order)
        first = loaders[self.order[0]]
        self.dataset, self.sampler, self.batch_size = first.dataset, first.sampler, first.batch_size
        self._streams = {name: _Stream(loaders[name]) for name in dict.fromkeys(self.order)}
        self._step = 0

    def task_of(self, step: int) -> str:
        """Name of the loader whose turn is at a step, from 0."""
        return self.order[step % len(self.order)]

    def skip(self, steps: int) -> None:
        """Go on at a step, as if all before had been taken; before the first batch is taken."""
        turns, rest = divmod(steps, len(self.order))
        for name, stream in self._streams.items():
            stream.skip(turns * self.order.count(name) + self.order[:rest].count(name))
        self._step = steps

    def __len__(self) -> int:
        first = self.order[0]
        return len(self.loaders[first]) * len(self.order) // self.order.count(first)

    def __iter__(self) -> 'AlternatingLoader':
        return self

    def __next__(self) -> Any:
        batch = next(self._streams[self.task_of(self._step)])
        self._step += 1
        return batch


def check_order(order: Sequence[str], known: Any) -> None:
    """Check that there is a loader for each name.

    Raises:
        ValueError: an empty order, or a name without loader.
    """
    unknown = sorted(set(order) - set(known))
    if not order or unknown:
        raise ValueError(f'order {tuple(order)} has {unknown or "no name"}; train_dataloader has {sorted(known)}')


@LOOPS.register_module()
class AlternatingTrainLoop(IterBasedTrainLoop):
    """One optimizer step on a batch of one set, the next on a batch of another (UTT, Fan et al., CVPR 2022, alg. 1).

    ``train_dataloader`` of the config is a dict of loaders by name. What the model logs gets the name before it
    (``sot/loss``). Random numbers of a step depend on the seed, the step and the process, and a resumed run goes on
    with the batches that the uninterrupted one would have taken; in loaders without workers their augmentation is the
    same as well. ``log_processor=dict(by_epoch=False)`` goes with it.

    Args:
        runner: The runner.
        dataloader: Loaders, or their configs, by name.
        max_iters: Steps of all sets together.
        order: Names in the order of their turns; all loaders in the order of the config by default.
        val_begin: Step from which there is validation.
        val_interval: Steps between validations.
        dynamic_intervals: As in MMEngine's ``IterBasedTrainLoop``.

    Raises:
        ValueError: a name without loader, or a loader without a batch.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: Dict[str, Any],
        max_iters: int,
        order: Optional[Sequence[str]] = None,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: Optional[List[Tuple[int, int]]] = None,
    ) -> None:
        order = tuple(dataloader) if order is None else tuple(order)
        check_order(order, dataloader)
        loaders = {name: self._build(runner, dataloader[name]) for name in dict.fromkeys(order)}
        joined = AlternatingLoader(loaders, order)
        super().__init__(runner, joined, max_iters, val_begin, val_interval, dynamic_intervals)

    @staticmethod
    def _build(runner: Runner, loader: Any) -> DataLoader:
        if isinstance(loader, DataLoader):
            return loader
        diff_rank_seed = runner._randomness_cfg.get('diff_rank_seed', False)
        return runner.build_dataloader(loader, seed=runner.seed, diff_rank_seed=diff_rank_seed)

    def run(self) -> Any:
        """Train; returns the model."""
        self.runner.call_hook('before_train')
        self.runner.call_hook('before_train_epoch')
        self.dataloader.skip(self._iter)
        while self._iter < self._max_iters and not self.stop_training:
            self.runner.model.train()
            seed_generators(self.runner.seed or 0, self._iter, get_rank())
            self.run_iter(next(self.dataloader))
            self._decide_current_val_interval()
            is_due = self._iter % self.val_interval == 0 or self._iter == self._max_iters
            if self.runner.val_loop is not None and self._iter >= self.val_begin and is_due:
                self.runner.val_loop.run()
        self.runner.call_hook('after_train_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_iter(self, data_batch: Any) -> None:
        """One optimizer step; what it logs has the name of the loader before it."""
        step = self._iter
        self.runner.call_hook('before_train_iter', batch_idx=step, data_batch=data_batch)
        found = self.runner.model.train_step(data_batch, optim_wrapper=self.runner.optim_wrapper)
        task = self.dataloader.task_of(step)
        outputs = {f'{task}/{name}': value for name, value in found.items()}
        self.runner.call_hook('after_train_iter', batch_idx=step, data_batch=data_batch, outputs=outputs)
        self._iter += 1
