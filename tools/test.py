"""Test a checkpoint with the test set and the metrics of a config.

Example: python tools/test.py configs/slimclr/slimclr_demo.py work_dirs/digits/epoch_40.pth --out metrics.json
CHECKPOINT 'none' tests the weights that the config initialises.
"""

import argparse
from pathlib import Path
from typing import Any, List, Optional

from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.evaluator import DumpResults

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
    parser.add_argument('checkpoint', help="checkpoint file, or 'none'")
    parser.add_argument(
        '--show-dir', help='write pictures of predictions into this folder (of several sets, into one each)'
    )
    parser.add_argument('--dump', help='write the predictions to this .pkl file (of several sets, to one each)')
    add_run_arguments(parser)
    return parser.parse_args(argv)


def apply_test_arguments(cfg: Config, args: argparse.Namespace) -> None:
    """Put the arguments of testing into the config."""
    if cfg.get('test_dataloader') is None:
        raise UsageError(f'{args.config} has no test_dataloader')
    if args.dump and not args.dump.endswith(('.pkl', '.pickle')):
        raise UsageError(f'--dump {args.dump}: the file must end in .pkl')
    cfg.resume = False
    cfg.load_from = None if args.checkpoint == 'none' else args.checkpoint
    check_checkpoint(cfg.load_from)
    if args.show_dir:
        hooks = cfg.setdefault('default_hooks', {})
        if 'visualization' in hooks:
            # The hook of the package whose scope the config has; they share these names.
            hooks.visualization.update(draw=True, test_out_dir=args.show_dir)
        else:
            hook = dict(type='vlplugins.PredictionVisualizationHook', out_dir=args.show_dir)
            cfg.custom_hooks = [*cfg.get('custom_hooks', []), hook]


def dump_predictions(loop: Any, path: Path) -> None:
    """Let a test loop write its predictions to ``path``; one of several sets writes a file for each, named after it."""
    loops = getattr(loop, 'loops', {None: loop})
    for name, each in loops.items():
        file = path if name is None else path.with_stem(f'{path.stem}_{name}')
        each.evaluator.metrics.append(DumpResults(out_file_path=str(file)))


def run(args: argparse.Namespace) -> None:
    """Test with these arguments."""
    cfg = load_config(args.config, args.cfg_options)
    apply_run_arguments(cfg, args)
    apply_test_arguments(cfg, args)
    prepare_synthetic_data(cfg)
    runner = build_runner(cfg)
    if args.dump:
        dump_predictions(runner.test_loop, Path(args.dump))
    if args.checkpoint == 'none':
        runner.model.init_weights()
    metrics = runner.test()
    if args.out and is_main_process():
        write_metrics(args.out, metrics)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Test."""
    run(parse_args(argv))
    leave_process_group()


if __name__ == '__main__':
    main()
