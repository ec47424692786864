"""Loops that evaluate a model on several sets, each by metrics of its own."""

from typing import Any, Dict

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

    Raises:
        ValueError: names that differ, or none; when run, two metrics of one name.
    """

    # Hooks are called as before_<stage>, after_<stage>_epoch, ...
    stage: str
    loop_type: type

    def __init__(
        self, runner: Runner, dataloader: Dict[str, Any], evaluator: Dict[str, Any], fp16: bool = False
    ) -> None:
        if not dataloader or set(dataloader) != set(evaluator):
            raise ValueError(f'there are loaders {sorted(dataloader)} and evaluators {sorted(evaluator)}')
        self._runner = runner
        self.loops = {name: self.loop_type(runner, dataloader[name], evaluator[name], fp16=fp16) for name in dataloader}
        self.dataloader = next(iter(self.loops.values())).dataloader

    def run(self) -> Dict[str, float]:
        """Evaluate on all sets and return the metrics."""
        call = self.runner.call_hook
        call(f'before_{self.stage}')
        call(f'before_{self.stage}_epoch')
        self.runner.model.eval()
        metrics: Dict[str, float] = {}
        for name, loop in self.loops.items():
            self.dataloader = loop.dataloader
            for index, data_batch in enumerate(loop.dataloader):
                loop.run_iter(index, data_batch)
            found = loop.evaluator.evaluate(len(loop.dataloader.dataset))
            twice = sorted(set(metrics) & set(found))
            if twice:
                raise ValueError(f'{name} has the metrics {twice}, as another set; give them a prefix')
            metrics.update(found)
        call(f'after_{self.stage}_epoch', metrics=metrics)
        call(f'after_{self.stage}')
        return metrics


@LOOPS.register_module()
class MultiSetValLoop(_MultiSetEvaluation):
    """Validates on several sets; see :class:`_MultiSetEvaluation`."""

    stage, loop_type = 'val', ValLoop


@LOOPS.register_module()
class MultiSetTestLoop(_MultiSetEvaluation):
    """Tests on several sets; see :class:`_MultiSetEvaluation`."""

    stage, loop_type = 'test', TestLoop
