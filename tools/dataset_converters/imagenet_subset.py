"""Make an annotation file of a part of ImageNet: the images of a list (1 % or 10 % of SimCLR), or of some classes.

Example: python tools/dataset_converters/imagenet_subset.py data/imagenet/train 1percent.txt data/imagenet/1percent.txt

The list holds file names (nXXXXXXXX_N.JPEG) or class names (nXXXXXXXX), one a line. The result has lines "path label",
with the labels of all classes of the folder, and is what ImageFolderDataset takes as ann_file.
"""

import argparse
from collections import Counter
from pathlib import Path
from typing import List, Optional

from tqdm import tqdm

from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.records import RecordError, SkipCounter


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', type=Path, help='folder with one folder per class')
    parser.add_argument('list', type=Path, help='list of file names or class names')
    parser.add_argument('out', type=Path, help='annotation file to write')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    folders = sorted(path for path in args.images.iterdir() if path.is_dir())
    labels = {folder.name: label for label, folder in enumerate(folders)}
    lines, counts, skipped = [], Counter(), SkipCounter('lines')
    seen = set()
    entries = args.list.read_text(encoding='utf-8').split()
    for number, entry in enumerate(tqdm(entries, desc='reading'), 1):
        if entry in seen:
            skipped.add('duplicate')
            continue
        seen.add(entry)
        name = entry.split('_')[0]
        if name not in labels:
            raise RecordError(args.list, repr(entry), f'a class among the folders of {args.images}', f'entry {number}')
        folder = args.images / name
        if entry == name:
            paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_EXTENSIONS)
        else:
            paths = [folder / entry]
            if not paths[0].is_file():
                raise RecordError(args.list, repr(entry), f'a file of {folder}', f'entry {number}')
        lines += [f'{name}/{path.name} {labels[name]}\n' for path in paths]
        counts[name] += len(paths)
    if not lines:
        raise RecordError(args.list, 'no entry', 'file names or class names')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(''.join(lines), encoding='utf-8')
    print(f'{len(entries)} entries read, {len(lines)} images kept in {len(counts)} of {len(labels)} classes')
    print(f'{min(counts.values())} to {max(counts.values())} images a class; {skipped.summary()}')


if __name__ == '__main__':
    main()
