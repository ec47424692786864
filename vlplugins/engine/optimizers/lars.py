"""LARS: a learning rate per layer, in proportion to the norm of its weights."""

from typing import Any, Callable, Iterable, List, Optional

import torch
from torch import Tensor
from torch.optim import Optimizer

from vlplugins.registry import OPTIMIZERS


@OPTIMIZERS.register_module()
class LARS(Optimizer):
    r"""Layer-wise adaptive rate scaling (You et al., 2017), as MoCo v3 and SimCLR use it.

    For tensors with more than one axis the gradient gets weight decay and is scaled by
    :math:`\eta |p| / |g + \lambda p|` (1 where a norm is 0); biases and normalisation have neither. Then
    :math:`\mu \leftarrow m \mu + g`, :math:`p \leftarrow p - lr \cdot \mu`. Norms stay on the device.

    Args:
        params: Parameters or groups of them.
        lr: Learning rate.
        momentum: ``m``.
        weight_decay: :math:`\lambda`.
        trust_coefficient: :math:`\eta`.

    Raises:
        ValueError: a negative argument.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float = 0.001,
    ) -> None:
        defaults = dict(lr=lr, momentum=momentum, weight_decay=weight_decay, trust_coefficient=trust_coefficient)
        for name, value in defaults.items():
            if value < 0:
                raise ValueError(f'{name} {value} must not be negative')
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure: Optional[Callable] = None) -> Optional[Tensor]:
        """Take one step; ``closure`` recomputes the loss, which is then returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group['params'] if p.grad is not None]
            if not parameters:
                continue
            gradients = self._scaled_gradients(parameters, group['weight_decay'], group['trust_coefficient'])
            buffers = [self._momentum_buffer(parameter) for parameter in parameters]
            torch._foreach_mul_(buffers, group['momentum'])
            torch._foreach_add_(buffers, gradients)
            torch._foreach_add_(parameters, buffers, alpha=-group['lr'])
        return loss

    def _momentum_buffer(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if 'momentum_buffer' not in state:
            state['momentum_buffer'] = torch.zeros_like(parameter)
        return state['momentum_buffer']

    @staticmethod
    def _scaled_gradients(parameters: List[Tensor], weight_decay: float, trust: float) -> List[Tensor]:
        gradients = [parameter.grad for parameter in parameters]
        layers = [index for index, parameter in enumerate(parameters) if parameter.dim() > 1]
        if not layers:
            return gradients
        weights = [parameters[index] for index in layers]
        decayed = torch._foreach_add([gradients[index] for index in layers], weights, alpha=weight_decay)
        weight_norms = torch.stack(torch._foreach_norm(weights))
        gradient_norms = torch.stack(torch._foreach_norm(decayed))
        ratios = torch.where(
            (weight_norms > 0) & (gradient_norms > 0),
            trust * weight_norms / gradient_norms.clamp(min=torch.finfo(gradient_norms.dtype).tiny),
            torch.ones_like(weight_norms),
        )
        for index, gradient in zip(layers, torch._foreach_mul(decayed, list(ratios.unbind()))):
            gradients[index] = gradient
        return gradients
