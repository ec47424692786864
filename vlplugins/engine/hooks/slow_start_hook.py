"""Slow start: parts of a model that join after some epochs."""

from typing import Any, Optional

from mmengine.runner import Runner

from vlplugins.engine.hooks.scheduled_value_hook import ScheduledValueHook
from vlplugins.registry import HOOKS


@HOOKS.register_module()
class SlowStartHook(ScheduledValueHook):
    """Switches a part of the model on at an epoch (slow start of sub-networks, SlimCLR, IJCV 2024, sec. 3).

    The state follows from the progress of training, on resume too. With ``lr_factor`` the learning rate of all
    groups is multiplied once at that epoch; the schedulers go on from the new value. Whether it has been done is
    saved with the checkpoint, whose optimizer holds the multiplied rate.

    Args:
        start_epoch: Epoch, from 0, at which the part is switched on; 0 or less: from the start.
        path: Dotted path of the switch below the model.
        start_value: Value before.
        end_value: Value from then on.
        lr_factor: Factor of the learning rate at that epoch; ``None`` leaves it alone.
    """

    def __init__(
        self,
        start_epoch: float,
        path: str = 'subnets_enabled',
        start_value: Any = False,
        end_value: Any = True,
        lr_factor: Optional[float] = None,
    ) -> None:
        super().__init__(path, 'step', start_value, end_value, begin=start_epoch, by='epoch')
        self.lr_factor = lr_factor
        self._lr_is_changed = False

    def before_train(self, runner: Runner) -> None:
        """Set the switch; warn where it would never be turned."""
        super().before_train(runner)
        if self.begin >= runner.max_epochs:
            runner.logger.warning(
                f'SlowStartHook: start_epoch {self.begin} is not before max_epochs {runner.max_epochs}: '
                f'{self.path} will never become {self.end_value!r}, and what it switches will never train'
            )

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the switch for the coming iteration, and change the learning rate once."""
        super().before_train_iter(runner, batch_idx, data_batch)
        if self.lr_factor is None or self._lr_is_changed or self._progress(runner)[0] < self.begin:
            return
        for group in runner.optim_wrapper.param_groups:
            group['lr'] *= self.lr_factor
        self._lr_is_changed = True
        runner.logger.info(f'SlowStartHook: learning rate times {self.lr_factor:g} from iteration {runner.iter}')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Note whether the saved optimizer holds the changed learning rate."""
        checkpoint['slow_start_lr_is_changed'] = self._lr_is_changed

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Restore the note when training is resumed; weights alone start anew."""
        if getattr(runner, '_resume', False):
            self._lr_is_changed = checkpoint.get('slow_start_lr_is_changed', False)
