"""Keep the learned scale of similarities in its range."""

from typing import Any, Optional

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from vlplugins.engine.hooks.scheduled_value_hook import read, resolve_path
from vlplugins.registry import HOOKS


@HOOKS.register_module()
class ClampLogitScaleHook(Hook):
    """Clamps a parameter after each optimiser step, as CLIP does with the logarithm of its scale.

    Clamped after the step and not inside the model, the parameter keeps its gradient at the bounds.

    Args:
        min: Least value; of CenterCLIP by default.
        max: Largest value, ln(100).
        param_name: Dotted path of the parameter below the model.

    Raises:
        ValueError: ``min`` above ``max``, or (before training) a path that names no tensor.
        AttributeError: (before training) the path does not exist.
    """

    # Before checkpoints are saved and values logged.
    priority = 'ABOVE_NORMAL'

    def __init__(self, min: float = 0.1, max: float = 4.6052, param_name: str = 'head.logit_scale') -> None:
        if min > max:
            raise ValueError(f'min {min} lies above max {max}')
        self.min, self.max, self.param_name = min, max, param_name

    def before_train(self, runner: Runner) -> None:
        """Find the parameter; the range holds from the first step on."""
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._parameters = [read(*pair) for pair in resolve_path(model, self.param_name)]
        for parameter in self._parameters:
            if not isinstance(parameter, torch.Tensor):
                raise ValueError(f'param_name {self.param_name!r} names a {type(parameter).__name__}, not a tensor')
        runner.logger.info(f'ClampLogitScaleHook: {self.param_name} is kept in [{self.min}, {self.max}]')

    @torch.no_grad()
    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        """Clamp."""
        for parameter in self._parameters:
            parameter.clamp_(self.min, self.max)
