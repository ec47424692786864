"""Turn the annotations of CrowdHuman into files of COCO, and report what is in them.

Example: python tools/dataset_converters/crowdhuman_to_coco.py data/crowdhuman
Reads annotation_{train,val}.odgt and the sizes of {train,val}/Images/<ID>.jpg; writes
annotations/crowdhuman_{train,val}.json with the full boxes of persons. Objects that are to be ignored, and those that
are no persons (tag "mask"), are left out and counted. A second run with the same input leaves the files alone.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from PIL import Image
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from vlplugins.datasets.formats.tracking_files import read_odgt
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.files import write_if_changed
from vlplugins.utils.records import RecordError, SkipCounter

# Images of the release, as a check.
RELEASED = dict(train=15000, val=4370)


def convert(root: Path, split: str) -> Tuple[Dict[str, Any], SkipCounter]:
    """The content of the file of a split, and what was left out.

    Raises:
        RecordError: a missing or damaged file; names the line or the image.
    """
    source = root / f'annotation_{split}.odgt'
    content: Dict[str, List[dict]] = dict(categories=[dict(id=1, name='pedestrian')], images=[], annotations=[])
    skipped = SkipCounter('objects')
    records = enumerate(read_odgt(source), start=1)
    for line, record in tqdm(records, desc=split, file=sys.stdout, disable=None):
        name = f'Images/{record["ID"]}.jpg'
        width, height = _size_of(root / split / name)
        content['images'].append(dict(id=line, file_name=name, width=width, height=height))
        for box in record['gtboxes']:
            try:
                reason = why_skipped(box)
                x, y, w, h = map(float, box['fbox'])
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                found = f'{type(error).__name__} in {str(box)[:60]}'
                raise RecordError(source, found, 'tag and fbox [x, y, width, height]', f'line {line}') from None
            if reason:
                skipped.add(reason)
                continue
            number = len(content['annotations']) + 1
            content['annotations'].append(
                dict(id=number, image_id=line, category_id=1, bbox=[x, y, w, h], area=w * h, iscrowd=0)
            )
    return content, skipped


def why_skipped(box: Dict[str, Any]) -> str:
    """Why an object is left out; '' for a person to be learned."""
    if box['tag'] != 'person':
        return f'with the tag {box["tag"]}'
    if box.get('extra', {}).get('ignore', 0):
        return 'to be ignored'
    return '' if box['fbox'][2] > 0 and box['fbox'][3] > 0 else 'without area'


def _size_of(path: Path) -> Tuple[int, int]:
    try:
        with Image.open(path) as image:
            return image.size
    except OSError as error:
        found = 'no such file' if isinstance(error, FileNotFoundError) else str(error)
        raise RecordError(path, found, 'an image of CrowdHuman') from None


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', type=Path, help='folder with annotation_train.odgt')
    parser.add_argument('--splits', nargs='+', choices=['train', 'val'], help='which (default: those that are there)')
    parser.add_argument('--out', type=Path, help='folder to write to (default: annotations below the root)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    splits = args.splits or [name for name in RELEASED if (args.root / f'annotation_{name}.odgt').is_file()]
    if not splits:
        raise UsageError(f'{args.root} has no annotation_train.odgt or annotation_val.odgt')
    table = Table(title=f'CrowdHuman in {args.root}')
    for heading in ('split', 'images', 'persons', 'left out'):
        table.add_column(heading, justify='left' if heading == 'split' else 'right')
    for split in splits:
        content, skipped = convert(args.root, split)
        path = (args.out or args.root / 'annotations') / f'crowdhuman_{split}.json'
        is_written = write_if_changed(path, json.dumps(content) + '\n')
        print(f'{path} {"written" if is_written else "is up to date"}; {skipped.summary()}')
        images = len(content['images'])
        if images != RELEASED[split]:
            print(f'note: the release has {RELEASED[split]} images; this one {images}')
        table.add_row(split, str(images), str(len(content['annotations'])), str(skipped.total))
    Console().print(table)


if __name__ == '__main__':
    main()
