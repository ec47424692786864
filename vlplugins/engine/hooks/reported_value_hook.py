"""Numbers of a model beside the metrics of a validation."""

from typing import Optional

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from vlplugins.engine.hooks.scheduled_value_hook import read, resolve_path
from vlplugins.registry import HOOKS


@HOOKS.register_module()
class ReportedValueHook(Hook):
    """Adds a number that a model keeps, such as a running ratio, to the metrics of a validation.

    Args:
        path: Dotted path below the model, as of :class:`ScheduledValueHook`.
        name: What the metrics call it; the path by default.

    Raises:
        AttributeError: (before training) the path does not exist.
    """

    def __init__(self, path: str, name: Optional[str] = None) -> None:
        self.path, self.name = path, name or path

    def _value(self, runner: Runner) -> float:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        (pair,) = resolve_path(model, self.path)
        return float(read(*pair))

    def before_train(self, runner: Runner) -> None:
        """Check that there is such a number."""
        self._value(runner)

    def after_val_epoch(self, runner: Runner, metrics: Optional[dict] = None) -> None:
        """Add the number."""
        if metrics is not None:
            metrics[self.name] = self._value(runner)
