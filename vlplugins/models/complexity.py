"""Parameters and floating-point operations of a model, for each of its widths."""

from typing import Any, Dict, NamedTuple, Optional, Sequence

import torch
from mmengine.analysis import get_model_complexity_info
from mmengine.logging import MMLogger
from torch import nn

from vlplugins.models.layers.widths import WidthModule, count_parameters, use_width, widths_of


class Cost(NamedTuple):
    """Parameters in use, and multiply-accumulate operations of one forward pass of one input."""

    parameters: int
    flops: float


def model_costs(model: nn.Module, shape: Sequence[int]) -> Dict[Optional[float], Cost]:
    """Cost of ``model`` for one input of ``shape`` ``(C, H, W)``.

    Returns:
        For a slimmable model the cost of each width; for any other ``{None: cost}``.
    """
    inputs = torch.zeros(1, *shape)
    was_training = model.training
    model.eval()
    try:
        if not any(isinstance(module, WidthModule) for module in model.modules()):
            return {None: Cost(sum(p.numel() for p in model.parameters()), _flops(model, inputs))}
        costs: Dict[Optional[float], Cost] = {}
        for width in widths_of(model):
            with use_width(model, width):
                costs[width] = Cost(count_parameters(model, width), _flops(model, inputs))
        return costs
    finally:
        model.train(was_training)


def _flops(model: nn.Module, inputs: torch.Tensor) -> float:
    # The counter warns of every part that the traced width does not use.
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel('ERROR')
    try:
        with torch.no_grad():
            info: Any = get_model_complexity_info(model, inputs=(inputs,), show_table=False, show_arch=False)
    finally:
        logger.setLevel(level)
    return float(info['flops'])
