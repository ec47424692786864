"""Loops that run any model with a slimmable part at all of its widths.

They change nothing in the model: an mmdet detector with a ``vlplugins.SlimmableResNet`` backbone is trained at every
width by ``train_cfg=dict(type='vlplugins.MultiWidthTrainLoop', max_epochs=12)``.
"""

import copy
from typing import Any, Dict, List, Optional, Sequence, Tuple

import torch
from mmengine.dist import all_reduce_params, get_world_size
from mmengine.evaluator import Evaluator
from mmengine.model import is_model_wrapper
from mmengine.runner import EpochBasedTrainLoop, Runner, TestLoop, ValLoop
from mmengine.runner.amp import autocast
from torch import nn

from vlplugins.models.layers.widths import use_width, widths_of
from vlplugins.registry import LOOPS
from vlplugins.utils.widths import check_widths, width_name


def _chosen_widths(model: nn.Module, widths: Optional[Sequence[float]]) -> Tuple[float, ...]:
    known = widths_of(model)
    chosen = known if widths is None else check_widths(widths)
    unknown = sorted(set(chosen) - set(known))
    if unknown:
        raise ValueError(f'widths {unknown} are unknown to the model; known: {known}')
    return chosen


def _unwrapped(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model


@LOOPS.register_module()
class MultiWidthTrainLoop(EpochBasedTrainLoop):
    """Trains all widths in each step: one forward and backward pass per width, then one optimizer step.

    The gradients of the widths add up (the sum of their losses is minimised, SlimCLR, IJCV 2024, sec. 4.3), but only
    one width's activations are in memory at a time. Each width's losses are logged under its name (``w0.50/...``).

    Args:
        runner: The runner.
        dataloader: The training loader or its config.
        max_epochs: Epochs to train.
        widths: The widths to train; all of the model by default.
        kwargs: Further arguments of MMEngine's ``EpochBasedTrainLoop``.

    Raises:
        ValueError: a width that the model does not know, or an optimizer wrapper that accumulates over iterations.
    """

    def __init__(
        self, runner: Runner, dataloader: Any, max_epochs: int, widths: Optional[Sequence[float]] = None, **kwargs: Any
    ) -> None:
        super().__init__(runner, dataloader, max_epochs, **kwargs)
        self.widths = _chosen_widths(_unwrapped(runner.model), widths)

    def run_iter(self, idx: int, data_batch: Any) -> None:
        """Train all widths on one batch."""
        self.runner.call_hook('before_train_iter', batch_idx=idx, data_batch=data_batch)
        outputs = self.train_step(data_batch)
        self.runner.call_hook('after_train_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs)
        self._iter += 1

    def train_step(self, data_batch: Any) -> Dict[str, torch.Tensor]:
        """Accumulate the gradients of all widths, and step; returns the values to log."""
        model, optim_wrapper = _unwrapped(self.runner.model), self.runner.optim_wrapper
        if optim_wrapper._accumulative_counts != 1:
            raise ValueError('MultiWidthTrainLoop accumulates over widths; set accumulative_counts=1')
        data = model.data_preprocessor(data_batch, True)
        logged: Dict[str, torch.Tensor] = {}
        for width in self.widths:
            with use_width(model, width), optim_wrapper.optim_context(model):
                losses = model._run_forward(data, mode='loss')
                loss, values = model.parse_losses(losses)
            optim_wrapper.backward(optim_wrapper.scale_loss(loss))
            logged.update({f'{width_name(width)}/{name}': value for name, value in values.items()})
        logged['loss'] = torch.stack([logged[f'{width_name(width)}/loss'].detach() for width in self.widths]).sum()
        if get_world_size() > 1:
            # The wrapper's own reduction would happen at the last width, and leave out what that one does not use.
            all_reduce_params([p.grad for p in model.parameters() if p.grad is not None], op='mean')
        optim_wrapper.step()
        optim_wrapper.zero_grad()
        return logged


class _MultiWidthEvaluation:
    """Runs each batch at every width, with an evaluator of its own for each; goes before a loop of MMEngine.

    Args:
        runner: The runner.
        dataloader: The loader or its config.
        evaluator: Config of the evaluator.
        widths: The widths to evaluate; all of the model by default.
        fp16: Whether to run in half precision.

    Raises:
        ValueError: a width that the model does not know, or an evaluator that is built already.
    """

    # Hooks are called as before_<stage>, after_<stage>_epoch, ...
    stage: str

    def __init__(
        self,
        runner: Runner,
        dataloader: Any,
        evaluator: Any,
        widths: Optional[Sequence[float]] = None,
        fp16: bool = False,
    ) -> None:
        if isinstance(evaluator, Evaluator):
            raise ValueError('the evaluator must be a config: one is built for each width')
        super().__init__(runner, dataloader, copy.deepcopy(evaluator), fp16)
        self.widths = _chosen_widths(_unwrapped(runner.model), widths)
        self.evaluators: List[Evaluator] = []
        for _ in self.widths:
            built = runner.build_evaluator(copy.deepcopy(evaluator))
            built.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)
            self.evaluators.append(built)

    def run(self) -> Dict[str, float]:
        """Evaluate all widths and return the metrics."""
        call, stage = self.runner.call_hook, self.stage
        call(f'before_{stage}')
        call(f'before_{stage}_epoch')
        self.runner.model.eval()
        for index, data_batch in enumerate(self.dataloader):
            call(f'before_{stage}_iter', batch_idx=index, data_batch=data_batch)
            outputs = self._process(data_batch)
            call(f'after_{stage}_iter', batch_idx=index, data_batch=data_batch, outputs=outputs)
        metrics = self._metrics()
        call(f'after_{stage}_epoch', metrics=metrics)
        call(f'after_{stage}')
        return metrics

    @torch.no_grad()
    def _process(self, data_batch: Any) -> Any:
        for width, evaluator in zip(self.widths, self.evaluators):
            with use_width(_unwrapped(self.runner.model), width), autocast(enabled=self.fp16):
                outputs = self.runner.model.val_step(copy.deepcopy(data_batch))
            evaluator.process(data_samples=outputs, data_batch=data_batch)
            if width == self.widths[0]:
                first = outputs
        return first

    def _metrics(self) -> Dict[str, float]:
        size = len(self.dataloader.dataset)
        return {
            f'{width_name(width)}/{name}': value
            for width, evaluator in zip(self.widths, self.evaluators)
            for name, value in evaluator.evaluate(size).items()
        }


@LOOPS.register_module()
class MultiWidthValLoop(_MultiWidthEvaluation, ValLoop):
    """Validates all widths in one pass over the data; metrics are named ``w0.50/<name>``."""

    stage = 'val'


@LOOPS.register_module()
class MultiWidthTestLoop(_MultiWidthEvaluation, TestLoop):
    """Tests all widths in one pass over the data; metrics are named ``w0.50/<name>``."""

    stage = 'test'
