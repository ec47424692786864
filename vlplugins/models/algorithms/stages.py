"""Several objectives within one iteration, each with the groups of parameters that it updates."""

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from vlplugins.engine.optimizers.joint_step import update_jointly


@dataclass(frozen=True)
class Stage:
    """One forward pass, one backward pass, and one step of some groups of parameters.

    Args:
        name: Name of the stage, for messages.
        update: Groups of the optimizer that step; see ``GroupedOptimWrapperConstructor``.
        weights: Weight of each term; a term without weight is not computed.
        branches: Parts of a head that are evaluated.
        no_grad: Modules at the top level of the model that run without gradient: values are the same, and what they
            hold is not updated anyway.
        clip_grad: Arguments of ``clip_grad_norm_`` for all gradients of the stage together.
    """

    name: str
    update: Tuple[str, ...]
    weights: Dict[str, float] = field(default_factory=dict)
    branches: Tuple[str, ...] = ()
    no_grad: Tuple[str, ...] = ()
    clip_grad: Optional[dict] = None

    def weight(self, term: str) -> float:
        """Weight of a term, 0 where none is given."""
        return self.weights.get(term, 0.0)


def make_stages(configs: Sequence[dict], terms: Sequence[str]) -> List[Stage]:
    """Stages of their configs.

    Raises:
        ValueError: no stage; one that updates nothing; unknown terms.
    """
    if not configs:
        raise ValueError('found no stage; expected one or more')
    stages = []
    for config in configs:
        lists = {key: tuple(config.get(key, ())) for key in ('update', 'branches', 'no_grad')}
        stage = Stage(**{**config, **lists, 'weights': dict(config.get('weights', {}))})
        unknown = sorted(set(stage.weights) - set(terms))
        if unknown:
            raise ValueError(f'stage {stage.name!r} weighs the terms {unknown}; expected some of {list(terms)}')
        if not stage.update:
            raise ValueError(f'stage {stage.name!r} updates no group of parameters')
        stages.append(stage)
    return stages


def train_stages(
    model: BaseModel, forward: Callable[..., Dict[str, Tensor]], data: Any, optim_wrapper: OptimWrapper
) -> Dict[str, Tensor]:
    """One iteration: for each stage of ``model.stages`` a forward pass, a backward pass and the steps that it names.

    Args:
        model: The model, with ``stages``.
        forward: Its call, or that of a distributed wrapper of it, as ``forward(**data, mode='loss', stage=index)``.
        data: A batch as the loader gives it.
        optim_wrapper: One wrapper for each group of parameters.

    Returns:
        What to log; names begin with ``s1.``, ``s2.``, ...

    Raises:
        TypeError: one optimizer for all parameters.
        ValueError: a stage names an unknown group, or updates what it runs without gradient.
    """
    if not isinstance(optim_wrapper, OptimWrapperDict):
        raise TypeError(
            'stages update groups of parameters, but there is one optimizer for all; expected '
            "optim_wrapper=dict(constructor='GroupedOptimWrapperConstructor', ...)"
        )
    data = model.data_preprocessor(data, True)
    logged: Dict[str, Tensor] = {}
    for index, stage in enumerate(model.stages):
        wrappers = _wrappers_of(stage, model, optim_wrapper)
        # Gradients of all groups: those that the stage before left in groups that it did not update, too.
        optim_wrapper.zero_grad()
        with wrappers[0].optim_context(model):
            losses = forward(**data, mode='loss', stage=index)
        loss, values = model.parse_losses(losses)
        norm = update_jointly(loss, wrappers, stage.clip_grad)
        logged.update({f's{index + 1}.{key}': value.detach() for key, value in values.items()})
        if norm is not None:
            logged[f's{index + 1}.grad_norm'] = norm
    optim_wrapper.zero_grad()
    return logged


def _wrappers_of(stage: Stage, model: nn.Module, optim_wrapper: OptimWrapperDict) -> List[OptimWrapper]:
    unknown = sorted(set(stage.update) - set(optim_wrapper.keys()))
    if unknown:
        raise ValueError(
            f'stage {stage.name!r} updates the groups {unknown}; the optimizer has {sorted(optim_wrapper.keys())}'
        )
    wrappers = [optim_wrapper[name] for name in stage.update]
    modules = [getattr(model, name) for name in stage.no_grad if getattr(model, name) is not None]
    frozen = {id(parameter) for module in modules for parameter in module.parameters()}
    for name, wrapper in zip(stage.update, wrappers):
        if any(id(p) in frozen for group in wrapper.optimizer.param_groups for p in group['params']):
            raise ValueError(
                f'stage {stage.name!r} updates the group {name!r}, but runs {list(stage.no_grad)}, which hold some of '
                'its parameters, without gradient'
            )
    return wrappers


class StagedTrainingMixin:
    """Training in stages for a detector of mmdet, which has ``stages`` and defines ``loss(..., stage)``."""

    stages: List[Stage]

    def forward(
        self, inputs: Any, data_samples: Any = None, mode: str = 'tensor', stage: int = 0
    ) -> Any:  # the types of mmdet's detectors, and dicts of both domains
        """As in mmdet's detectors.

        Args:
            inputs: Images ``[B, 3, H, W]``; for ``mode='loss'`` a dict of those of ``source`` and ``target``.
            data_samples: Their samples, likewise.
            mode: ``'loss'``, ``'predict'`` or ``'tensor'``.
            stage: Index of the stage whose losses are wanted.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples, stage)
        return super().forward(inputs, data_samples, mode)

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> Dict[str, Tensor]:
        """All stages in turn. A single stage may have an ordinary optimizer for all parameters."""
        if len(self.stages) == 1 and not isinstance(optim_wrapper, OptimWrapperDict):
            return super().train_step(data, optim_wrapper)
        return train_stages(self, self, data, optim_wrapper)
