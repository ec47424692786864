"""Exponential moving copy of a network: the key encoder of MoCo, the teacher of self-distillation."""

import copy
from typing import Any, List

import torch
from torch import Tensor, nn


class MomentumEncoder(nn.Module):
    """A copy of ``encoder`` that follows it: ``theta_copy <- m * theta_copy + (1 - m) * theta``.

    Args:
        encoder: The network to copy. Storage is not shared.
        momentum: ``m``, in [0, 1]. It may be changed between updates (a schedule sets it from outside).
        buffers: What an update does with buffers such as running statistics: ``'keep'`` leaves the copy its own (they
            come from its own forward passes, as in MoCo), ``'copy'`` takes those of the encoder, ``'average'``
            averages floating-point ones like parameters and copies the rest.

    Raises:
        ValueError: a momentum outside [0, 1], or an unknown buffer rule.
    """

    def __init__(self, encoder: nn.Module, momentum: float = 0.999, buffers: str = 'keep') -> None:
        super().__init__()
        if not 0 <= momentum <= 1:
            raise ValueError(f'momentum {momentum} is outside [0, 1]')
        if buffers not in ('keep', 'copy', 'average'):
            raise ValueError(f"buffers {buffers!r} is unknown; expected 'keep', 'copy' or 'average'")
        self.momentum, self.buffer_rule = momentum, buffers
        self.module = copy.deepcopy(encoder).requires_grad_(False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the copy, without gradient."""
        with torch.no_grad():
            return self.module(*args, **kwargs)

    @torch.no_grad()
    def copy_from(self, encoder: nn.Module) -> None:
        """Make the copy equal to ``encoder``, buffers included."""
        self.module.load_state_dict(encoder.state_dict())

    @torch.no_grad()
    def update(self, encoder: nn.Module) -> None:
        """Move the copy one step towards ``encoder``."""
        self._average(list(self.module.parameters()), list(encoder.parameters()))
        if self.buffer_rule == 'keep':
            return
        pairs = list(zip(self.module.buffers(), encoder.buffers()))
        if self.buffer_rule == 'average':
            floats = [pair for pair in pairs if pair[0].is_floating_point()]
            self._average([own for own, _ in floats], [other for _, other in floats])
            pairs = [pair for pair in pairs if not pair[0].is_floating_point()]
        for own, other in pairs:
            own.copy_(other)

    def _average(self, own: List[Tensor], other: List[Tensor]) -> None:
        if own:
            torch._foreach_lerp_(own, other, 1.0 - self.momentum)
