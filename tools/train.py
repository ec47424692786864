"""Train a model from a config.

Example: python tools/train.py configs/slimclr/slimclr_demo.py --work-dir work_dirs/digits --seed 1
Several GPUs: bash tools/dist_train.sh CONFIG 8; Slurm: bash tools/slurm_train.sh PARTITION JOB CONFIG.
"""

import argparse
from typing import List, Optional

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.utils.cli import (
    UsageError,
    add_run_arguments,
    apply_run_arguments,
    build_runner,
    check_checkpoint,
    friendly_errors,
    leave_process_group,
    load_config,
    write_metrics,
)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='resume from this checkpoint; without a value, from the last one in the work folder',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    parser.add_argument('--auto-scale-lr', action='store_true', help="scale the rate by the config's base_batch_size")
    add_run_arguments(parser)
    return parser.parse_args(argv)


def apply_train_arguments(cfg: Config, args: argparse.Namespace) -> None:
    """Put the arguments of training into the config."""
    if args.amp:
        if not torch.cuda.is_available():
            raise UsageError('--amp needs a GPU; train without it on a CPU')
        kind = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if kind not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise UsageError(f"--amp needs optim_wrapper.type='OptimWrapper', the config has {kind!r}")
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        if 'base_batch_size' not in cfg.get('auto_scale_lr', {}):
            raise UsageError('--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config')
        cfg.auto_scale_lr.enable = True
    if args.resume == 'auto':
        cfg.resume, cfg.load_from = True, None
    elif args.resume is not None:
        check_checkpoint(args.resume)
        cfg.resume, cfg.load_from = True, args.resume
    check_checkpoint(cfg.get('load_from'))


class _LastMetrics(Hook):
    """Keeps the metrics of the last validation."""

    metrics: dict = {}

    def after_val_epoch(self, runner: Runner, metrics: Optional[dict] = None) -> None:
        self.metrics = dict(metrics or {})


def run(args: argparse.Namespace) -> None:
    """Train with these arguments."""
    cfg = load_config(args.config, args.cfg_options)
    apply_run_arguments(cfg, args)
    apply_train_arguments(cfg, args)
    prepare_synthetic_data(cfg)
    runner = build_runner(cfg)
    last = _LastMetrics()
    runner.register_hook(last, priority='LOWEST')
    runner.train()
    if args.out and is_main_process():
        write_metrics(args.out, last.metrics)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Train."""
    run(parse_args(argv))
    leave_process_group()


if __name__ == '__main__':
    main()
