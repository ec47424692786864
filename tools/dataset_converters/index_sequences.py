"""Check all sequences of LaSOT, GOT-10k or TrackingNet, and write the index with which a run starts at once.

Examples:
  python tools/dataset_converters/index_sequences.py lasot data/LaSOT --list training_set.txt
  python tools/dataset_converters/index_sequences.py got10k data/GOT-10k --list train/list.txt
  python tools/dataset_converters/index_sequences.py trackingnet data/TrackingNet --parts TRAIN_0 TRAIN_1
Each sequence is opened once: frames without a gap, one box a frame, flags of the same length. The index is a text file
with a line of JSON for each sequence (name, frames, width, height, visible frames), index.jsonl below the root. A run
that was stopped goes on where it was; a second run opens nothing. A damaged sequence is named, and stops the run.
"""

import argparse
from pathlib import Path
from typing import Any, Dict, List, Optional

from rich.console import Console
from rich.table import Table

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.registry import DATASETS
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.records import SkipCounter

_TYPES = dict(lasot='LaSOTDataset', got10k='GOT10kDataset', trackingnet='TrackingNetDataset')


def settings(args: argparse.Namespace) -> Dict[str, Any]:
    """The set as a config names it."""
    cfg: Dict[str, Any] = dict(type=_TYPES[args.set], data_root=str(args.root), index_file=args.index, lazy_init=True)
    if args.set == 'trackingnet':
        if args.list:
            raise UsageError('TrackingNet has no lists: use --parts')
        return dict(cfg, parts=args.parts, test_mode=args.parts == ['TEST']) if args.parts else cfg
    if args.parts:
        raise UsageError(f'--parts is for trackingnet, not for {args.set}')
    return dict(cfg, ann_file=args.list, test_mode=Path(args.list).parts[0] == 'test') if args.list else cfg


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Make the index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('set', choices=list(_TYPES), help='which set')
    parser.add_argument('root', type=Path, help='its folder')
    parser.add_argument('--list', help='list of sequences below the root (LaSOT: default all; GOT-10k: train/list.txt)')
    parser.add_argument('--parts', nargs='+', help='folders of TrackingNet (default: TRAIN_0 to TRAIN_11)')
    parser.add_argument('--index', default='index.jsonl', help='the index, below the root (default: index.jsonl)')
    parser.add_argument('--min-length', type=int, default=20, help='frames that training asks for (default: 20)')
    parser.add_argument('--min-visible', type=int, default=5, help='visible frames that it asks for (default: 5)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if not args.root.is_dir():
        raise UsageError(f'{args.root} is no folder')
    dataset = DATASETS.build(settings(args))
    records = dataset.load_data_list()
    skipped = SkipCounter('sequences')
    for record in records:
        if record['num_visible'] < args.min_visible:
            skipped.add(f'with fewer than {args.min_visible} visible frames')
        elif record['video_length'] < args.min_length:
            skipped.add(f'with fewer than {args.min_length} frames')
    lengths = [record['video_length'] for record in records]
    table = Table(title=f'{args.set} in {args.root}')
    for heading in ('sequences', 'frames', 'visible frames', 'shortest', 'longest', 'for training'):
        table.add_column(heading, justify='right')
    visible = sum(record['num_visible'] for record in records)
    numbers = (len(records), sum(lengths), visible, min(lengths), max(lengths), len(records) - skipped.total)
    table.add_row(*map(str, numbers))
    print(f'{args.root / args.index}: {skipped.summary()} in training')
    Console().print(table)


if __name__ == '__main__':
    main()
