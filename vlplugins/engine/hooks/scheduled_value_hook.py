"""A hook that moves one number of the model or the optimizer along a schedule."""

import math
from typing import Any, Iterator, List, Mapping, MutableMapping, Optional, Sequence, Tuple

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from vlplugins.registry import HOOKS

_SCHEDULES = ('constant', 'step', 'linear', 'cosine', 'cyclic')
_UNITS = ('epoch', 'iter', 'progress')


def resolve_path(root: Any, path: str) -> List[Tuple[Any, Any]]:
    """Find what a dotted path names below ``root``.

    A component is an attribute, a key of a mapping, an index of a sequence, or ``*`` for all items of one:
    ``head.loss.loss_weight``, ``param_groups.*.weight_decay``.

    Returns:
        Pairs (owner, key) that :func:`read` and :func:`write` take; more than one only for ``*``.

    Raises:
        AttributeError: a component does not exist; the message names it and what there is.
    """
    owners, parts = [root], path.split('.')
    for depth, part in enumerate(parts):
        pairs = [pair for owner in owners for pair in _match(owner, part, '.'.join(parts[: depth + 1]))]
        owners = [read(*pair) for pair in pairs]
    return pairs


def _match(owner: Any, part: str, path: str) -> Iterator[Tuple[Any, Any]]:
    if isinstance(owner, Mapping):
        if part in owner:
            return iter([(owner, part)])
        raise AttributeError(f"'{path}' does not exist; known keys: {sorted(map(str, owner))}")
    if isinstance(owner, Sequence) or type(owner).__name__ == 'ModuleList':
        if part == '*':
            return ((owner, index) for index in range(len(owner)))
        if part.isdigit() and int(part) < len(owner):
            return iter([(owner, int(part))])
        raise AttributeError(f"'{path}' does not exist; expected an index below {len(owner)} or '*'")
    if hasattr(owner, part):
        return iter([(owner, part)])
    registered = [name for kind in ('_modules', '_parameters', '_buffers') for name in getattr(owner, kind, ())]
    known = [name for name in [*vars(owner), *registered] if not name.startswith('_')]
    raise AttributeError(f"'{path}' does not exist; {type(owner).__name__} has {sorted(known)}")


def read(owner: Any, key: Any) -> Any:
    """Value of an attribute (``key`` a str on an object) or an item."""
    return owner[key] if isinstance(owner, Mapping) or isinstance(key, int) else getattr(owner, key)


def write(owner: Any, key: Any, value: Any) -> None:
    """Set an attribute or an item; a tensor is filled in place, so that it stays the registered buffer."""
    current = read(owner, key)
    if isinstance(current, torch.Tensor):
        with torch.no_grad():
            current.fill_(value)
    elif isinstance(owner, MutableMapping) or isinstance(key, int):
        owner[key] = value
    else:
        setattr(owner, key, value)


@HOOKS.register_module()
class ScheduledValueHook(Hook):
    """Sets the value at a dotted path of the model, or of the optimizer wrapper, as a function of progress.

    The value depends on the progress of training alone, so a resumed run needs no state. It is set before every
    training iteration. Changes between constant values are logged when they happen; the current value of a smooth
    schedule is in the log under its path.

    Args:
        path: Path below the model (without its distributed wrapper): ``key_encoder.momentum``; or below the optimizer
            wrapper: ``optim_wrapper.param_groups.*.weight_decay``. See :func:`resolve_path`.
        schedule: ``'constant'`` (``start_value``), ``'step'`` (``end_value`` from ``begin`` on), ``'linear'`` or
            ``'cosine'`` (from ``start_value`` at ``begin`` to ``end_value`` at ``end``), or ``'cyclic'`` (``cycles``
            times: linear in the first half of a cycle, ``end_value`` in the second; Fu et al., NAACL 2019).
        start_value: Value before and at ``begin``; any type for ``'constant'`` and ``'step'``.
        end_value: Value from ``end`` on.
        begin: Progress at which the change begins.
        end: Progress at which it ends; the end of training by default.
        by: Unit of ``begin`` and ``end``: ``'epoch'`` (fractional), ``'iter'``, or ``'progress'`` (0 to 1).
        cycles: Cycles between ``begin`` and ``end`` of ``'cyclic'``.

    Raises:
        ValueError: an unknown schedule or unit, ``end`` before ``begin``, or ``cycles`` below 1.
        AttributeError: (before training) the path does not exist.
    """

    def __init__(
        self,
        path: str,
        schedule: str = 'linear',
        start_value: Any = 0.0,
        end_value: Any = 1.0,
        begin: float = 0,
        end: Optional[float] = None,
        by: str = 'epoch',
        cycles: int = 4,
    ) -> None:
        if schedule not in _SCHEDULES:
            raise ValueError(f'schedule {schedule!r} is unknown; expected one of {_SCHEDULES}')
        if by not in _UNITS:
            raise ValueError(f'by {by!r} is unknown; expected one of {_UNITS}')
        if end is not None and end < begin:
            raise ValueError(f'end {end} lies before begin {begin}')
        if cycles < 1:
            raise ValueError(f'cycles {cycles} must be at least 1')
        self.path, self.schedule, self.by, self.cycles = path, schedule, by, cycles
        self.start_value, self.end_value = start_value, end_value
        self.begin, self.end = begin, end
        self._last: Any = None

    @property
    def is_smooth(self) -> bool:
        """Whether the value takes values between start and end."""
        return self.schedule in ('linear', 'cosine', 'cyclic')

    def value_at(self, progress: float, total: float) -> Any:
        """The value at ``progress`` of ``total``, both in the unit ``by``."""
        if self.schedule == 'constant':
            return self.start_value
        if self.schedule == 'step':
            return self.end_value if progress >= self.begin else self.start_value
        end = total if self.end is None else self.end
        share = min(max((progress - self.begin) / max(end - self.begin, 1e-12), 0.0), 1.0)
        if self.schedule == 'cosine':
            share = (1 - math.cos(math.pi * share)) / 2
        if self.schedule == 'cyclic' and share < 1:
            share = min(2 * (share * self.cycles % 1), 1.0)
        return self.start_value + (self.end_value - self.start_value) * share

    def _progress(self, runner: Runner) -> Tuple[float, float]:
        if self.by == 'iter':
            return runner.iter, runner.max_iters
        if self.by == 'progress':
            return runner.iter / max(runner.max_iters, 1), 1.0
        per_epoch = len(runner.train_dataloader)
        return runner.iter / per_epoch, runner.max_iters / per_epoch

    def _targets(self, runner: Runner) -> List[Tuple[Any, Any]]:
        head, _, rest = self.path.partition('.')
        if head == 'optim_wrapper':
            return resolve_path(runner.optim_wrapper, rest)
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        return resolve_path(model, self.path)

    def before_train(self, runner: Runner) -> None:
        """Check that the path exists, and set the value for the start."""
        self._targets(runner)
        self._last = None
        self._apply(runner)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Set the value for the coming iteration; a smooth one is logged each time, others when they change."""
        self._apply(runner)
        if self.is_smooth:
            runner.message_hub.update_scalar(f'train/{self.path}', float(self._last))

    def _apply(self, runner: Runner) -> None:
        value = self.value_at(*self._progress(runner))
        for owner, key in self._targets(runner):
            write(owner, key, value)
        if not self.is_smooth and value != self._last:
            runner.logger.info(f'{type(self).__name__}: {self.path} = {value!r} from iteration {runner.iter}')
        self._last = value
