"""Train and test a config once for each fold of a protocol, and pool the predictions into one accuracy.

Example: python tools/analysis/cross_validate.py configs/afe_cnn/afe-cnn-s_1xb16-100e_utkinect-loso.py --protocol loso
Folds are splits named PROTOCOL_NUMBER_train and PROTOCOL_NUMBER_val of the config's annotation file. Each is a run of
tools/train.py; its last checkpoint is tested, since choosing one by the clips that are left out would be no test. A
fold that has its predictions is not run again, unless its config has changed: choose another --work-dir then.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch

from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.evaluation.functional.cross_validation import cross_validation_report
from vlplugins.utils import safe_pickle
from vlplugins.utils.cli import UsageError, friendly_errors, load_config

ROOT = Path(__file__).resolve().parents[2]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('--protocol', default='loso', help='first part of the names of the splits (default: loso)')
    parser.add_argument('--folds', nargs='+', type=int, help='numbers of the folds (default: all)')
    parser.add_argument('--jobs', type=int, default=1, help='folds at a time (default: 1)')
    parser.add_argument('--work-dir', default='work_dirs/cross_validation', help='folder of the runs')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='change keys of the config')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


def find_folds(ann_file: str, protocol: str) -> List[str]:
    """Names of the folds of a protocol in a pickle of annotations.

    Raises:
        UsageError: no such protocol.
    """
    splits = safe_pickle.load(ann_file)['split']
    pattern = re.compile(rf'^({re.escape(protocol)}(_\d+)?)_val$')
    folds = sorted(match.group(1) for match in map(pattern.match, splits) if match)
    if not folds:
        known = sorted({re.sub(r'(_\d+)?_(train|val)$', '', name) for name in splits})
        raise UsageError(f'{ann_file} has no protocol {protocol!r}; it has {known}')
    return folds


def run_fold(fold: str, args: argparse.Namespace) -> Path:
    """Train and test one fold, unless that is done; returns the file of its predictions.

    Raises:
        UsageError: a run failed; the message holds the end of its log.
    """
    folder = Path(args.work_dir, fold)
    dump, weights = folder / 'predictions.pkl', folder / 'last_checkpoint'
    if dump.is_file():
        return dump
    options = [*args.cfg_options, f'train_dataloader.dataset.split={fold}_train']
    options += [f'{loader}.dataset.split={fold}_val' for loader in ('val_dataloader', 'test_dataloader')]
    common = ['--work-dir', str(folder), '--cfg-options', *options]
    _call([sys.executable, 'tools/train.py', args.config, *common], folder / 'train.log')
    checkpoint = weights.read_text(encoding='utf-8').strip()
    temporary = folder / 'new.pkl'
    _call(
        [sys.executable, 'tools/test.py', args.config, checkpoint, '--dump', str(temporary), *common],
        folder / 'test.log',
    )
    os.replace(temporary, dump)
    return dump


def _call(command: List[str], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    environment['PYTHONPATH'] = os.pathsep.join(filter(None, [str(ROOT), environment.get('PYTHONPATH')]))
    command = [command[0], str(ROOT / command[1]), *command[2:]]
    with open(log, 'w', encoding='utf-8') as file:
        done = subprocess.run(command, env=environment, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        tail = '\n'.join(log.read_text(encoding='utf-8', errors='replace').splitlines()[-15:])
        raise UsageError(f'{command[1]} failed; the end of {log}:\n{tail}')


def read_fold(path: Path) -> Dict[str, Any]:
    """Predictions, labels and names of a dump."""
    records = safe_pickle.load(path)
    return dict(
        predictions=[int(torch.as_tensor(each['pred_score']).argmax()) for each in records],
        labels=[int(torch.as_tensor(each['gt_label'])) for each in records],
        names=[each['frame_dir'] for each in records],
    )


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Run the folds and report."""
    args = parse_args(argv)
    cfg = load_config(args.config)
    prepare_synthetic_data(cfg)
    folds = find_folds(cfg.test_dataloader.dataset.ann_file, args.protocol)
    if args.folds is not None:
        wrong = [number for number in args.folds if not 0 <= number < len(folds)]
        if wrong:
            raise UsageError(f'no folds {wrong}; {args.protocol} has 0 to {len(folds) - 1}')
        folds = [folds[number] for number in args.folds]
    with ThreadPoolExecutor(args.jobs) as pool:
        dumps = dict(zip(folds, pool.map(partial(run_fold, args=args), folds)))
    report = cross_validation_report({fold: read_fold(path) for fold, path in dumps.items()})
    out = Path(args.work_dir, f'{args.protocol}.json')
    out.write_text(json.dumps(dict(report, fold_names=folds), indent=1) + '\n', encoding='utf-8')
    print(f'{report["micro"]:.2f} % of {report["records"]} records right (accuracy)')
    print(f'{report["macro"]:.2f} ± {report["std"]:.2f} % over {report["folds"]} folds (mean and deviation of folds)')


if __name__ == '__main__':
    main()
