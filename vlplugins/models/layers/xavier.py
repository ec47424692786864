"""Initialisation of linear maps."""

from torch import nn


def xavier_linears(module: nn.Module) -> None:
    """Xavier-uniform weights and zero biases for all linear maps of a module that are its own children, or theirs.

    Args:
        module: Parts that bring their own initialisation (a :class:`RelationalGraphLayer`) should be added later.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
