"""Hooks of training with generated poses."""

from typing import Any, Iterator, Optional, Sequence

import numpy as np
import torch
from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import Dataset

from vlplugins.registry import DATASETS, HOOKS


def datasets_in(dataset: Dataset) -> Iterator[Dataset]:
    """The data sets of a joined or wrapped one."""
    if hasattr(dataset, 'datasets'):
        for each in dataset.datasets:
            yield from datasets_in(each)
    elif hasattr(dataset, 'dataset'):
        yield from datasets_in(dataset.dataset)
    else:
        yield dataset


@HOOKS.register_module()
class SeedBankHook(Hook):
    """Fills the seed bank of the model's generator before training, from the training set or another.

    Args:
        dataset: Config of the data set to take seeds from; by default the training set (the first in it that holds
            poses). A data set gives them by ``seed_poses()``.

    Raises:
        ValueError: (before training) the model has no generator, or no data set holds poses.
    """

    priority = 'HIGH'

    def __init__(self, dataset: Optional[dict] = None) -> None:
        self.dataset = dataset

    def before_train(self, runner: Runner) -> None:
        """Fill the bank."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if getattr(model, 'generator', None) is None:
            raise ValueError(f'SeedBankHook: {type(model).__name__} has no generator to give seed poses to')
        source = runner.train_dataloader.dataset if self.dataset is None else DATASETS.build(self.dataset)
        holders = [each for each in datasets_in(source) if hasattr(each, 'seed_poses')]
        if not holders:
            raise ValueError('SeedBankHook: the training set holds no poses in space; name a dataset that does')
        poses, cameras = holders[0].seed_poses()
        model.generator.set_seeds(torch.as_tensor(poses), torch.as_tensor(cameras))


@HOOKS.register_module()
class PoseRegenerationHook(Hook):
    """Lets the ``GeneratedPoseDataset`` of the training loader make new poses before an epoch.

    Poses depend on (seed of the run, epoch, rank): a resumed run sees those of one that was not interrupted, and each
    process its own. Workers that stay alive read them too, as they lie in shared memory.

    Args:
        interval: Epochs between regenerations.

    Raises:
        ValueError: (before training) there is no such data set.
    """

    def __init__(self, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(f'interval {interval} must be at least 1')
        self.interval, self._turn = interval, None

    def _targets(self, runner: Runner) -> list:
        return [each for each in datasets_in(runner.train_dataloader.dataset) if hasattr(each, 'regenerate')]

    def before_train(self, runner: Runner) -> None:
        """Check that there is something to regenerate."""
        if not self._targets(runner):
            raise ValueError('PoseRegenerationHook: the training set contains no GeneratedPoseDataset')

    def before_train_epoch(self, runner: Runner) -> None:
        """Make new poses."""
        turn = runner.epoch // self.interval
        if turn == self._turn:
            return
        self._turn = turn
        for dataset in self._targets(runner):
            seed = np.random.SeedSequence([runner.seed or 0, turn, get_rank()]).generate_state(1)[0]
            rate = dataset.regenerate(int(seed))
            runner.message_hub.update_scalar('train/gen/reject_rate', rate)


@HOOKS.register_module()
class AlternateBatchHook(Hook):
    """Lets real and generated batches take turns, by setting a switch of the model.

    Args:
        path: Name of the switch.
        values: Its values in turn.
        by: ``'iter'`` or ``'epoch'``.
    """

    def __init__(self, path: str = 'active', values: Sequence[Any] = ('generated', 'real'), by: str = 'iter') -> None:
        if by not in ('iter', 'epoch') or not values:
            raise ValueError(f"by {by!r} must be 'iter' or 'epoch', and values {values} must not be empty")
        self.path, self.values, self.by = path, tuple(values), by

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the value of this turn; it follows from the progress alone."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        turn = runner.iter if self.by == 'iter' else runner.epoch
        setattr(model, self.path, self.values[turn % len(self.values)])

    def after_train(self, runner: Runner) -> None:
        """Leave the model as it was built."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        setattr(model, self.path, 'both')


@HOOKS.register_module()
class GenerationMonitorHook(Hook):
    """Warns once an epoch where few generated poses count.

    Args:
        min_ess: Effective sample size (share) below which the weights are useless.
        min_valid: Share of poses that must be inside the picture.
    """

    def __init__(self, min_ess: float = 0.05, min_valid: float = 0.5) -> None:
        self.bounds = {'crm/ess': min_ess, 'gen/valid': min_valid}

    def after_train_epoch(self, runner: Runner) -> None:
        """Look at the logged values of the epoch."""
        scalars = runner.message_hub.log_scalars
        for name, bound in self.bounds.items():
            history = scalars.get(f'train/{name}')
            if history is None:
                continue
            value = float(history.mean(min(len(runner.train_dataloader), len(history.data[0]))))
            if value < bound:
                runner.logger.warning(
                    f'GenerationMonitorHook: {name} was {value:.3g} in epoch {runner.epoch + 1}, below {bound:g}: '
                    'the mean rests on few generated poses'
                )
