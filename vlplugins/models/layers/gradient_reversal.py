"""Gradient reversal: what follows it learns to tell domains apart, what precedes it to make them alike."""

from typing import Any, Tuple

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, coefficient: float) -> Tensor:
        ctx.coefficient = coefficient
        return inputs.view_as(inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tuple[Tensor, None]:
        return gradient * -ctx.coefficient, None


def reverse_gradient(inputs: Tensor, coefficient: float = 1.0) -> Tensor:
    """Return ``inputs`` of any shape; their gradient is multiplied by ``-coefficient``."""
    return _Reverse.apply(inputs, coefficient)


@MODELS.register_module()
class GradientReversal(nn.Module):
    """:func:`reverse_gradient` as a layer (Ganin and Lempitsky, ICML 2015, section 3.1).

    A schedule of the coefficient is a ``ScheduledValueHook`` in the config, with a path that ends in
    ``reversal.coefficient``.

    Args:
        coefficient: The factor; 0 cuts the gradient off.

    Raises:
        ValueError: a negative coefficient, which would not reverse.
    """

    def __init__(self, coefficient: float = 1.0) -> None:
        super().__init__()
        if coefficient < 0:
            raise ValueError(f'coefficient {coefficient} must not be negative')
        self.coefficient = coefficient

    def forward(self, inputs: Tensor) -> Tensor:
        """Return ``inputs``, any shape."""
        return reverse_gradient(inputs, self.coefficient)

    def extra_repr(self) -> str:
        """The coefficient."""
        return f'coefficient={self.coefficient}'
