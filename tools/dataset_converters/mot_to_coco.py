"""Join the sequences of MOT16, MOT17 or MOT20 into files of COCO with videos, and report what is in them.

Example: python tools/dataset_converters/mot_to_coco.py data/MOT17 --halves --detector FRCNN
Reads {train,test}/<sequence>/{img1, gt/gt.txt, seqinfo.ini}; writes annotations/{train,test}_cocoformat.json and, with
--halves, annotations/half-{train,val}_cocoformat.json: frames up to the middle one, and those after it. The names and
keys are those of mmdet. A second run with the same input leaves the files alone.
"""

import argparse
import json
from pathlib import Path
from typing import List, Optional

from rich.console import Console
from rich.table import Table

from vlplugins.datasets.formats.mot_coco import mot_to_coco
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.files import write_if_changed

# Name of the file, folder, and part of each sequence.
_HALVES = (('half-train', 'train', 'train_half'), ('half-val', 'train', 'val_half'))


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder with train and test')
    parser.add_argument('--splits', nargs='+', choices=['train', 'test'], help='which (default: those that are there)')
    parser.add_argument('--halves', action='store_true', help='also halves of the training sequences')
    parser.add_argument('--detector', help='keep sequences whose name ends so: MOT17 has each video three times')
    parser.add_argument('--out', type=Path, help='folder to write to (default: annotations below the root)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    splits = args.splits or [split for split in ('train', 'test') if (args.root / split).is_dir()]
    if not splits:
        raise UsageError(f'{args.root} has neither train nor test')
    jobs = [(split, split, 'all') for split in splits]
    jobs += _HALVES if args.halves and 'train' in splits else ()
    out = args.out or args.root / 'annotations'
    table = Table(title=f'sequences of {args.root}')
    for heading in ('split', 'sequences', 'frames', 'boxes', 'instances', 'to train on'):
        table.add_column(heading, justify='left' if heading == 'split' else 'right')
    for name, folder, part in jobs:
        content, dropped = mot_to_coco(args.root / folder, part, args.detector)
        path = out / f'{name}_cocoformat.json'
        is_written = write_if_changed(path, json.dumps(content) + '\n')
        print(f'{path} {"written" if is_written else "is up to date"}; {dropped.summary()}')
        rows = content['annotations']
        used = sum(row['mot_conf'] == 1 and row['category_id'] == 1 for row in rows)
        counts = (len(content['videos']), len(content['images']), len(rows), content['num_instances'], used)
        table.add_row(name, *map(str, counts))
    Console().print(table)


if __name__ == '__main__':
    main()
