"""Validation and test of one model on several tasks, each with a set and metrics of its own."""

from typing import Any, Dict, Optional

from mmengine.evaluator import Evaluator
from mmengine.model import is_model_wrapper
from mmengine.runner import TestLoop, ValLoop
from torch.utils.data import DataLoader

from vlplugins.registry import LOOPS


class _TaskLoop:
    """Runs the loop below it once for each task, and reports all metrics together."""

    def _set_tasks(self, main: str, others: Dict[str, dict], attribute: str) -> None:
        if not hasattr(self._model(), attribute):
            raise AttributeError(f'{type(self._model()).__name__} has no {attribute!r}')
        self.attribute = attribute
        self.tasks = {main: (self.dataloader, self.evaluator)}
        for name, task in others.items():
            dataloader = self.runner.build_dataloader(task['dataloader'], seed=self.runner.seed)
            evaluator: Evaluator = self.runner.build_evaluator(task['evaluator'])
            evaluator.dataset_meta = getattr(dataloader.dataset, 'metainfo', None)
            self.tasks[name] = (dataloader, evaluator)

    def _model(self) -> Any:
        model = self.runner.model
        return model.module if is_model_wrapper(model) else model

    def _run_tasks(self) -> dict:
        metrics: Dict[str, Any] = {}
        main, mode = (self.dataloader, self.evaluator), getattr(self._model(), self.attribute)
        try:
            for name, (dataloader, evaluator) in self.tasks.items():
                self.dataloader, self.evaluator = dataloader, evaluator
                setattr(self._model(), self.attribute, name)
                metrics.update(self._run_task(dataloader, evaluator))
        finally:
            self.dataloader, self.evaluator = main
            setattr(self._model(), self.attribute, mode)
        return metrics

    def _run_task(self, dataloader: DataLoader, evaluator: Evaluator) -> dict:
        for index, batch in enumerate(dataloader):
            self.run_iter(index, batch)
        return evaluator.evaluate(len(dataloader.dataset))


@LOOPS.register_module()
class TaskValLoop(_TaskLoop, ValLoop):
    """Validation on several tasks, in which an attribute of the model takes the name of each; their metrics are joined.

    Args:
        runner: The runner.
        dataloader: Of the first task, ``val_dataloader``.
        evaluator: Of the first task, ``val_evaluator``.
        main: Name of the first task.
        others: For the name of each further task its ``dataloader`` and ``evaluator``.
        attribute: Name of the attribute.
        fp16: As of MMEngine's loop.

    Raises:
        AttributeError: the model has no such attribute.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: Any,
        evaluator: Any,
        main: str = 'grounding',
        others: Optional[Dict[str, dict]] = None,
        attribute: str = 'test_mode',
        fp16: bool = False,
    ) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        self._set_tasks(main, others or {}, attribute)

    def run(self) -> dict:
        """Validate on all tasks."""
        self.runner.call_hook('before_val')
        self.runner.call_hook('before_val_epoch')
        self.runner.model.eval()
        self.val_loss.clear()
        metrics = self._run_tasks()
        self.runner.call_hook('after_val_epoch', metrics=metrics)
        self.runner.call_hook('after_val')
        return metrics


@LOOPS.register_module()
class TaskTestLoop(_TaskLoop, TestLoop):
    """The same as :class:`TaskValLoop`, for a test."""

    def __init__(
        self,
        runner: Any,
        dataloader: Any,
        evaluator: Any,
        main: str = 'grounding',
        others: Optional[Dict[str, dict]] = None,
        attribute: str = 'test_mode',
        fp16: bool = False,
    ) -> None:
        super().__init__(runner, dataloader, evaluator, fp16)
        self._set_tasks(main, others or {}, attribute)

    def run(self) -> dict:
        """Test on all tasks."""
        self.runner.call_hook('before_test')
        self.runner.call_hook('before_test_epoch')
        self.runner.model.eval()
        self.test_loss.clear()
        metrics = self._run_tasks()
        self.runner.call_hook('after_test_epoch', metrics=metrics)
        self.runner.call_hook('after_test')
        return metrics
