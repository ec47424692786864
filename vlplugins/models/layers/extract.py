"""One width of a slimmable model as an ordinary network."""

from collections import OrderedDict
from typing import Dict

from torch import Tensor, nn

from vlplugins.models.layers.slimmable import SlimmableBatchNorm, SlimmableConv2d, SlimmableLinear
from vlplugins.models.layers.switchable import _SwitchableModule
from vlplugins.models.layers.widths import WidthModule


def extract_state(module: nn.Module, width: float) -> Dict[str, Tensor]:
    """State of the ordinary network that ``module`` is at a width.

    Shared weights are cut to the channels of the width, switchable layers are replaced by the member of the width;
    names are those of the ordinary layers (``bn1.weight`` in place of ``bn1.bn.2.weight``). Other state is copied.

    Args:
        module: A model with slimmable parts.
        width: The width to extract.

    Raises:
        ValueError: a part does not know the width.
    """
    state: Dict[str, Tensor] = OrderedDict()
    _collect(module, width, '', state)
    return state


def _collect(module: nn.Module, width: float, prefix: str, state: Dict[str, Tensor]) -> None:
    if isinstance(module, _SwitchableModule):
        member = module.members[module.width_index(width)]
        state.update({f'{prefix}{name}': tensor.clone() for name, tensor in member.state_dict().items()})
    elif isinstance(module, (SlimmableConv2d, SlimmableLinear)):
        index = module.width_index(width)
        rows, columns = module.out_ranges[index], module.in_ranges[index]
        state[f'{prefix}weight'] = module.weight.detach()[rows, columns].clone()
        if module.bias is not None:
            state[f'{prefix}bias'] = module.bias.detach()[rows].clone()
    elif isinstance(module, SlimmableBatchNorm):
        part = module.ranges[module.width_index(width)]
        for name in ('weight', 'bias', 'running_mean', 'running_var'):
            state[f'{prefix}{name}'] = getattr(module, name).detach()[part].clone()
    else:
        if isinstance(module, WidthModule):
            module.width_index(width)
        for name, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            state[f'{prefix}{name}'] = tensor.detach().clone()
        for name, child in module.named_children():
            _collect(child, width, f'{prefix}{name}.', state)
