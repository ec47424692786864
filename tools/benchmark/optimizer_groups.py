"""Time optimizers with merged groups against MMEngine's, with a group a parameter (ratios below 1: ours is faster).

Example: python tools/benchmark/optimizer_groups.py --configs configs/ahgn/ahgn_demo.py --threads 1
Of each config the model is built, and its parameters get random gradients; measured is a step of AdamW, in turns with
single groups: parameter by parameter, `foreach` and `fused`. Before that, both sides are shown to give the same.
"""

import argparse
import copy
from typing import List, Optional

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import nn

from vlplugins.registry import MODELS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.timing import Ratio, add_timing_arguments, median_seconds, print_ratios

KINDS = {'parameter by parameter': dict(foreach=False), 'foreach': dict(foreach=True), 'fused': dict(fused=True)}
BASELINE = 'DefaultOptimWrapperConstructor'


def optimizer_of(model: nn.Module, cfg: Config, constructor: str, options: dict) -> OptimWrapper:
    """The optimizer of a config, with another constructor and options of AdamW."""
    optim = cfg.optim_wrapper
    optimizer = dict(type='AdamW', lr=1e-4, weight_decay=optim.optimizer.get('weight_decay', 0.01), **options)
    paramwise = optim.get('paramwise_cfg') or dict(norm_decay_mult=0.0)
    return build_optim_wrapper(model, dict(constructor=constructor, optimizer=optimizer, paramwise_cfg=paramwise))


def config_rows(path: str, args: argparse.Namespace) -> List[Ratio]:
    """A row for each kind of step.

    Raises:
        AssertionError: the sides do not give the same parameters.
    """
    cfg = Config.fromfile(path)
    torch.manual_seed(0)
    model = MODELS.build(cfg.model).to(args.device)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter) if parameter.requires_grad else None
    rows = []
    for kind, options in KINDS.items():
        models = dict(ours=copy.deepcopy(model), baseline=copy.deepcopy(model))
        for side in models.values():
            for parameter, source in zip(side.parameters(), model.parameters()):
                parameter.grad = source.grad
        wrappers = {
            name: optimizer_of(models[name], cfg, constructor, options)
            for name, constructor in dict(ours='MergedOptimWrapperConstructor', baseline=BASELINE).items()
        }
        for wrapper in wrappers.values():
            wrapper.optimizer.step()
        for one, other in zip(*(side.parameters() for side in models.values())):
            torch.testing.assert_close(one, other)
        steps = {name: wrapper.optimizer.step for name, wrapper in wrappers.items()}
        times = median_seconds(steps, args.rounds, args.warm_up, args.clock)
        groups = [len(wrapper.optimizer.param_groups) for wrapper in wrappers.values()]
        what = f'{cfg.model.type}, {kind}, {groups[0]} groups / {groups[1]}'
        rows.append(Ratio(what, times['ours'], times['baseline']))
    return rows


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = ['configs/ahgn/ahgn_demo.py', 'configs/utt/utt_demo.py']
    parser.add_argument('--configs', nargs='+', default=defaults, help=f'configs of models ({" ".join(defaults)})')
    add_timing_arguments(parser, clock=True)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    init_default_scope('vlplugins')
    # Without a line for each parameter.
    MMLogger.get_instance('benchmark', log_level='ERROR')
    print_ratios('A step of AdamW', [row for path in args.configs for row in config_rows(path, args)], args)


if __name__ == '__main__':
    main()
