"""Random numbers that depend on the epoch, not on how training got there."""

from mmengine.dist import get_rank
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner

from vlplugins.registry import HOOKS
from vlplugins.utils.seeds import seed_generators


@HOOKS.register_module()
class EpochSeedHook(Hook):
    """Seeds Python, NumPy and PyTorch from (seed, epoch, rank) before each training epoch.

    A run resumed at an epoch draws then the random numbers of the uninterrupted run, and ends with the same weights
    (on one device, with deterministic operations). Loader workers take their seeds from these generators when they
    are started anew each epoch (``persistent_workers=False``) with
    ``worker_init_fn=dict(type='vlplugins.seed_worker')``.
    """

    # Before anything else that may draw random numbers at the start of an epoch.
    priority = 'VERY_HIGH'

    def before_train_epoch(self, runner: Runner) -> None:
        """Seed all generators for the coming epoch (or, in an iteration-based loop, for its start)."""
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        seed_generators(runner.seed or 0, runner.epoch if by_epoch else runner.iter, get_rank())
