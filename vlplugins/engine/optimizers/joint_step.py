"""One loss that updates several groups of parameters."""

from typing import List, Optional, Sequence

from mmengine.optim import OptimWrapper
from torch import Tensor
from torch.nn.utils import clip_grad_norm_


def update_jointly(
    loss: Tensor, wrappers: Sequence[OptimWrapper], clip_grad: Optional[dict] = None
) -> Optional[Tensor]:
    """Go back through ``loss`` once, and let each wrapper clip its gradients and step.

    In mixed precision the loss is scaled once, by the scaler of the first wrapper, and the gradients of all wrappers
    are divided by that scale; a wrapper whose gradients overflowed leaves out its step. Gradients are not set to zero.

    Args:
        loss: Scalar.
        wrappers: The groups to update; all plain, or all with a loss scaler.
        clip_grad: Arguments of ``torch.nn.utils.clip_grad_norm_`` for the gradients of all groups together, before each
            wrapper clips its own.

    Returns:
        The norm of the gradients before they are clipped together; ``None`` without ``clip_grad``.

    Raises:
        ValueError: no wrapper, wrappers of both kinds, or one that accumulates gradients: what it would add up are the
            gradients of different losses.
    """
    _check(wrappers)
    scaler = getattr(wrappers[0], 'loss_scaler', None)
    (loss if scaler is None else scaler.scale(loss)).backward()
    if scaler is not None and (clip_grad or any(wrapper.clip_grad_kwargs for wrapper in wrappers)):
        for wrapper in wrappers:
            scaler.unscale_(wrapper.optimizer)
    norm = clip_grad_norm_(_with_gradient(wrappers), **clip_grad) if clip_grad else None
    for wrapper in wrappers:
        if scaler is None:
            wrapper.step()
            continue
        if wrapper.clip_grad_kwargs:
            wrapper._clip_grad()
        scaler.step(wrapper.optimizer)
    if scaler is not None:
        scaler.update(getattr(wrappers[0], '_scale_update_param', None))
    return norm


def _check(wrappers: Sequence[OptimWrapper]) -> None:
    if not wrappers:
        raise ValueError('a loss must update one group of parameters or more')
    scaled = [getattr(wrapper, 'loss_scaler', None) is not None for wrapper in wrappers]
    if any(scaled) != all(scaled):
        raise ValueError('some groups have a loss scaler and some have none; expected all or none')
    if any(wrapper._accumulative_counts != 1 for wrapper in wrappers):
        raise ValueError('accumulative_counts must be 1 where losses take turns in an iteration')


def _with_gradient(wrappers: Sequence[OptimWrapper]) -> List[Tensor]:
    groups = [group for wrapper in wrappers for group in wrapper.optimizer.param_groups]
    return [parameter for group in groups for parameter in group['params'] if parameter.grad is not None]
