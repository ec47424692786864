"""Sort the flat validation images of ImageNet into one folder per class.

Example: python tools/dataset_converters/imagenet_val_to_folders.py ILSVRC2012_val/ \
    ILSVRC2012_validation_ground_truth.txt synsets.txt data/imagenet/val

The ground truth has one class number a line (from 1), for the images in the order of their names; line k of the
synset file names class k (nXXXXXXXX, optionally more words). Safe to run twice.
"""

import argparse
import os
import shutil
from collections import Counter
from pathlib import Path
from typing import List, Optional

from tqdm import tqdm

from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.records import RecordError, SkipCounter


def read_numbers(path: Path) -> List[int]:
    """Class numbers, from 1, a line each."""
    numbers = []
    for line_number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        if not line.strip().isdigit() or int(line) < 1:
            raise RecordError(path, repr(line), 'a class number of at least 1', f'line {line_number}')
        numbers.append(int(line))
    return numbers


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', type=Path, help='folder of ILSVRC2012_val_*.JPEG')
    parser.add_argument('ground_truth', type=Path, help='file of class numbers')
    parser.add_argument('synsets', type=Path, help='file of class names')
    parser.add_argument('out', type=Path, help='folder to make')
    parser.add_argument('--move', action='store_true', help='move the images (by default they are linked or copied)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    numbers = read_numbers(args.ground_truth)
    names = [line.split()[0] for line in args.synsets.read_text(encoding='utf-8').splitlines() if line.strip()]
    if max(numbers) > len(names):
        raise RecordError(
            args.synsets, f'{len(names)} classes', f'{max(numbers)}, the highest number of the ground truth'
        )
    # Images that an earlier run has moved are in their folders already.
    images = {path.name: path for path in [*args.out.glob('*/*.JPEG'), *args.images.glob('*.JPEG')]}
    if len(images) != len(numbers):
        raise RecordError(args.images, f'{len(images)} images', f'{len(numbers)}, the lines of {args.ground_truth}')
    counts, skipped = Counter(), SkipCounter('images')
    for name, number in zip(tqdm(sorted(images), desc='sorting'), numbers):
        target = args.out / names[number - 1] / name
        counts[names[number - 1]] += 1
        if target.exists():
            skipped.add('already there')
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if args.move:
            shutil.move(str(images[name]), target)
        else:
            try:
                os.link(images[name], target)
            except OSError:
                shutil.copy2(images[name], target)
    print(f'{len(images)} images in {len(counts)} classes, {min(counts.values())} to {max(counts.values())} a class')
    print(skipped.summary())


if __name__ == '__main__':
    main()
