"""Run a trained model on files, and write predictions and pictures.

Example: python tools/infer.py configs/slimclr/slimclr_demo_probe.py work_dirs/probe/epoch_10.pth some_folder \\
             --out-dir work_dirs/infer --options width=all
The config names the inferencer of its task: inferencer=dict(type='SlimmableInferencer').
"""

import argparse
from pathlib import Path
from typing import List, Optional

from mmengine.config import DictAction
from rich import print_json

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.registry import INFERENCERS
from vlplugins.utils.cli import UsageError, add_config_options, check_checkpoint, friendly_errors, load_config


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help="checkpoint file, or 'none'")
    parser.add_argument('inputs', nargs='+', help='files and folders')
    parser.add_argument('--out-dir', help='folder for predictions.json and the pictures (default: print predictions)')
    parser.add_argument('--no-pictures', action='store_true', help='write the predictions alone')
    parser.add_argument('--batch-size', type=int, default=1, help='inputs at a time (default: 1)')
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: the best that there is)')
    parser.add_argument(
        '--options', nargs='+', action=DictAction, metavar='KEY=VALUE', help='arguments of the inferencer'
    )
    add_config_options(parser)
    return parser.parse_args(argv)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Infer."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    if 'inferencer' not in cfg:
        raise UsageError(f"{args.config} has no key inferencer=dict(type='...'), which names the task")
    weights = None if args.checkpoint == 'none' else args.checkpoint
    check_checkpoint(weights)
    options = {**cfg.inferencer, **(args.options or {})}
    inferencer = INFERENCERS.build(dict(options, model=cfg, weights=weights, device=args.device))
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
