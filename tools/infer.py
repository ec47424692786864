"""Run a trained model on files, and write predictions and pictures.

Example: python tools/infer.py configs/slimclr/slimclr_demo_probe.py work_dirs/probe/epoch_10.pth some_folder \\
             --out-dir work_dirs/infer --options width=all
         python tools/infer.py CONFIG WEIGHTS 'a red light' --gallery some_folder --out-dir work_dirs/infer
The config names the inferencer of its task: inferencer=dict(type='SlimmableInferencer'). Some tasks have arguments of
their own, which --help shows behind the config.
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional, Tuple

from mmengine.config import Config, DictAction
from rich import print_json

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.registry import INFERENCERS
from vlplugins.utils.cli import UsageError, add_config_options, check_checkpoint, friendly_errors, load_config


def make_parser() -> argparse.ArgumentParser:
    """Parser of the arguments that all tasks share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help="checkpoint file, or 'none'")
    parser.add_argument('inputs', nargs='+', help='files and folders, or the sentences of a search')
    parser.add_argument('--out-dir', help='folder for predictions.json and the pictures (default: print predictions)')
    parser.add_argument('--no-pictures', action='store_true', help='write the predictions alone')
    parser.add_argument('--batch-size', type=int, default=1, help='inputs at a time (default: 1)')
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: the best that there is)')
    parser.add_argument(
        '--options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='arguments of the inferencer'
    )
    add_config_options(parser)
    return parser


def parse_args(argv: Optional[List[str]] = None) -> Tuple[argparse.Namespace, Config]:
    """Read the command line, and the config, which decides about some of the arguments."""
    parser = make_parser()
    arguments = sys.argv[1:] if argv is None else list(argv)
    others = [each for each in arguments if each not in ('-h', '--help')]
    if others != arguments:
        if not others:
            parser.parse_args(arguments)
        # Help on a task: its config is there, what else is required need not be.
        others += ['-', '-']
    args, _ = parser.parse_known_args(others)
    cfg = load_config(args.config, args.cfg_options)
    if 'inferencer' not in cfg:
        raise UsageError(f"{args.config} has no key inferencer=dict(type='...'), which names the task")
    INFERENCERS.get(cfg.inferencer.type).add_arguments(parser)
    return parser.parse_args(arguments), cfg


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Infer."""
    args, cfg = parse_args(argv)
    weights = None if args.checkpoint == 'none' else args.checkpoint
    check_checkpoint(weights)
    options = {**cfg.inferencer, **(args.options or {})}
    inferencer = INFERENCERS.build(dict(options, model=cfg, weights=weights, device=args.device))
    inferencer.apply_arguments(args)
    out = {}
    if args.out_dir:
        out = dict(pred_out_file=str(Path(args.out_dir, 'predictions.json')))
        if not args.no_pictures:
            out['vis_out_dir'] = str(Path(args.out_dir, 'pictures'))
    results = inferencer(args.inputs, batch_size=args.batch_size, **out)
    if not args.out_dir:
        print_json(data=results['predictions'])


if __name__ == '__main__':
    main()
