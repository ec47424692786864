"""Loops that evaluate a model on several sets, each by metrics of its own."""

from typing import Any, Dict, Optional

from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, TestLoop, ValLoop
from mmengine.runner.base_loop import BaseLoop

from vlplugins.registry import LOOPS


class _MultiSetEvaluation(BaseLoop):
    """Goes through several loaders, each with its evaluator; the metrics of all are one dict.

    ``val_dataloader`` and ``val_evaluator`` (or those of the test) are dicts by the same names.

    Args:
        runner: The runner.
        dataloader: Loaders, or their configs, by name.
        evaluator: Configs of evaluators by name; metrics of two sets have different prefixes.
        fp16: Whether to run in half precision.
        attribute: Attribute of the model that takes the name of each set while it is evaluated, for a model that does
            several tasks; afterwards it is what it was.

    Raises:
        ValueError: names that differ, or none; when run, two metrics of one name.
        AttributeError: (when run) the model has no such attribute.
    """

    # Hooks are called as before_<stage>, after_<stage>_epoch, ...
    stage: str
    loop_type: type

    def __init__(
        self,
        runner: Runner,
        dataloader: Dict[str, Any],
        evaluator: Dict[str, Any],
        fp16: bool = False,
        attribute: Optional[str] = None,
    ) -> None:
        if not dataloader or set(dataloader) != set(evaluator):
            raise ValueError(f'there are loaders {sorted(dataloader)} and evaluators {sorted(evaluator)}')
        self._runner, self.attribute = runner, attribute
        self.loops = {name: self.loop_type(runner, dataloader[name], evaluator[name], fp16=fp16) for name in dataloader}
        self.dataloader = next(iter(self.loops.values())).dataloader
        # For what runs beside: the set that is evaluated at the moment.
        self.current: Optional[str] = None

    def run(self) -> Dict[str, float]:
        """Evaluate on all sets and return the metrics."""
        call = self.runner.call_hook
        call(f'before_{self.stage}')
        call(f'before_{self.stage}_epoch')
        self.runner.model.eval()
        model = self.runner.model.module if is_model_wrapper(self.runner.model) else self.runner.model
        before = None if self.attribute is None else getattr(model, self.attribute)
        metrics: Dict[str, float] = {}
        try:
            for name, loop in self.loops.items():
                if self.attribute is not None:
                    setattr(model, self.attribute, name)
                self.current = name
                found = self._evaluate(loop)
                twice = sorted(set(metrics) & set(found))
                if twice:
                    raise ValueError(f'{name} has the metrics {twice}, as another set; give them a prefix')
                metrics.update(found)
        finally:
            self.current = None
            if self.attribute is not None:
                setattr(model, self.attribute, before)
        call(f'after_{self.stage}_epoch', metrics=metrics)
        call(f'after_{self.stage}')
        return metrics

    def _evaluate(self, loop: Any) -> Dict[str, float]:
        self.dataloader = loop.dataloader
        for index, data_batch in enumerate(loop.dataloader):
            loop.run_iter(index, data_batch)
        return loop.evaluator.evaluate(len(loop.dataloader.dataset))


@LOOPS.register_module()
class MultiSetValLoop(_MultiSetEvaluation):
    """Validates on several sets; see :class:`_MultiSetEvaluation`."""

    stage, loop_type = 'val', ValLoop


@LOOPS.register_module()
class MultiSetTestLoop(_MultiSetEvaluation):
    """Tests on several sets; see :class:`_MultiSetEvaluation`."""

    stage, loop_type = 'test', TestLoop
