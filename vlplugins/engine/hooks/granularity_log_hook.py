"""Which extent of context a model prefers for each class."""

from typing import Any, Dict, Optional, Sequence

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor

from vlplugins.registry import HOOKS


@HOOKS.register_module()
class GranularityLogHook(Hook):
    """Logs after each validation the mean weight of each context, by modality and class of the labelled segments.

    Reads ``granularity_weights`` and ``gt_segments`` of the predicted samples; those without boundaries are passed
    over.

    Args:
        interval: Validations between two logs.

    Raises:
        ValueError: an interval below 1.
    """

    priority = 'LOW'

    def __init__(self, interval: int = 1) -> None:
        if interval < 1:
            raise ValueError(f'interval {interval} must be at least 1')
        self.interval, self._validations = interval, 0
        self._sums: Dict[str, Tensor] = {}
        self._count: Optional[Tensor] = None

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin anew."""
        self._sums, self._count = {}, None

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[Sequence] = None
    ) -> None:
        """Add up the weights of labelled segments."""
        for sample in outputs or ():
            if 'gt_segments' not in sample or not sample.get('granularity_weights'):
                continue
            truth = sample.gt_segments.float()
            for name, weights in sample.granularity_weights.items():
                total = truth.T @ weights.float().to(truth.device)
                self._sums[name] = self._sums[name] + total if name in self._sums else total
            count = truth.sum(dim=0)
            self._count = count if self._count is None else self._count + count

    def table(self) -> Dict[str, Tensor]:
        """Mean weights ``[C, G]`` of each modality; rows of classes without a segment are 0."""
        return {name: total / self._count.clamp(min=1)[:, None] for name, total in self._sums.items()}

    def after_val_epoch(self, runner: Runner, metrics: Optional[Dict[str, float]] = None) -> None:
        """Log the table."""
        self._validations += 1
        if self._count is None or self._validations % self.interval:
            return
        names = (getattr(runner.val_dataloader.dataset, 'metainfo', None) or {}).get('classes')
        for modality, table in self.table().items():
            for label in torch.nonzero(self._count)[:, 0].tolist():
                shown = ' '.join(f'{value:.2f}' for value in table[label].tolist())
                runner.logger.info(f'contexts of {modality}, {names[label] if names else label}: {shown}')
