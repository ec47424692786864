"""Count parameters and multiply-accumulate operations of a model, for each of its widths.

Example: python tools/analysis/get_flops.py configs/slimclr/slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py
Counted is the backbone; another part, or the whole model, is named by --module.
"""

import argparse
from typing import Any, List, Optional, Tuple

import torch
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import BaseDataElement
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.models.complexity import model_costs
from vlplugins.utils.cli import UsageError, add_config_options, friendly_errors, load_config
from vlplugins.utils.widths import width_name


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--shape', type=int, nargs='+', help='shape of one input (default: 3 224 224, or as many '
                        'channels as the backbone takes)')  # fmt: skip
    parser.add_argument('--module', default='backbone', help="part of the model, '' for all of it (default: backbone)")
    parser.add_argument('--width', type=float, nargs='+', help='these widths alone (default: all)')
    add_config_options(parser)
    return parser.parse_args(argv)


class _TensorsOut(nn.Module):
    """A model whose outputs are a tuple of tensors, as the counter of operations needs it."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: Tensor) -> Tuple[Tensor, ...]:
        return tuple(_tensors(self.model(inputs)))


def _tensors(tree: Any) -> List[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, BaseDataElement):
        tree = tree.to_dict()
    items = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, (list, tuple)) else []
    return [tensor for item in items for tensor in _tensors(item)]


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Count and print."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope') or 'vlplugins')
    model = MODELS.build(cfg.model)
    try:
        part = model.get_submodule(args.module)
    except AttributeError:
        known = [name for name, _ in model.named_children()]
        raise UsageError(f"--module {args.module}: the model has {known}; '' is all of it") from None
    shape = args.shape or [cfg.model.get('backbone', {}).get('in_channels', 3), 224, 224]
    if min(shape) < 1:
        raise UsageError(f'--shape {tuple(shape)}: sizes are 1 or more')
    try:
        with torch.no_grad():
            costs = model_costs(_TensorsOut(part), shape)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f'--shape {tuple(shape)} does not fit {args.module or "the model"}: {reason}') from error
    if args.width:
        unknown = sorted(set(args.width) - set(costs))
        if unknown:
            raise UsageError(f'--width {unknown}: the model has {[width for width in costs if width]}')
        costs = {width: costs[width] for width in args.width}
    full = max(cost.flops for cost in costs.values())
    table = Table(title=f'{args.module or type(model).__name__}, input {tuple(shape)}')
    for heading in ('width', 'parameters', 'GFLOPs (multiply-accumulate)', 'share'):
        table.add_column(heading, justify='right')
    for width, cost in costs.items():
        name = '' if width is None else width_name(width)
        table.add_row(name, f'{cost.parameters:,}', f'{cost.flops / 1e9:.4g}', f'{cost.flops / full:.1%}')
    Console().print(table)


if __name__ == '__main__':
    main()
