"""Pack a folder of images, one folder per class, into an LMDB database for LMDBImageDataset.

Example: python tools/dataset_converters/folder_to_lmdb.py data/imagenet/train data/imagenet_lmdb train
Every image is checked. A run that is interrupted goes on where it stopped; a finished one changes nothing.
"""

import argparse
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import List, Optional

from tqdm import tqdm

from vlplugins.datasets.formats.images import IMAGE_EXTENSIONS, decode_image
from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError, SkipCounter

# Images between commits: what a killed run loses at most.
_COMMIT_EVERY = 1000


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', type=Path, help='folder with one folder per class')
    parser.add_argument('out', type=Path, help='folder of the databases')
    parser.add_argument('split', help='name of the split: train, val, ...')
    parser.add_argument('--skip-bad', action='store_true', help='leave unreadable images out, instead of stopping')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    lmdb = require('lmdb', 'folder_to_lmdb.py')
    paths = sorted(path for path in args.images.glob('*/*') if path.suffix.lower() in IMAGE_EXTENSIONS)
    if not paths:
        raise RecordError(args.images, 'no image', 'one folder of images per class')
    classes = {name: index for index, name in enumerate(sorted({path.parent.name for path in paths}))}
    folder = args.out / f'{args.split}_lmdb'
    folder.mkdir(parents=True, exist_ok=True)
    size = 2 * sum(path.stat().st_size for path in paths) + 2**26
    labels, counts, digests, skipped = {}, Counter(), Counter(), SkipCounter('images')
    with lmdb.open(str(folder / f'{args.split}.lmdb'), map_size=size) as environment:
        transaction = environment.begin(write=True)
        for number, path in enumerate(tqdm(paths, desc='packing'), 1):
            name = f'{path.parent.name}/{path.name}'
            data = path.read_bytes()
            try:
                if transaction.get(name.encode()) != data:
                    decode_image(data, path)
                    transaction.put(name.encode(), data)
            except RecordError as error:
                if not args.skip_bad:
                    transaction.commit()
                    raise
                skipped.add(error.found)
                continue
            labels[name] = classes[path.parent.name]
            counts[path.parent.name] += 1
            digests[hashlib.sha1(data).digest()] += 1
            if number % _COMMIT_EVERY == 0:
                transaction.commit()
                transaction = environment.begin(write=True)
        transaction.commit()
    (folder / f'{args.split}_list.json').write_text(json.dumps(labels, indent=0), encoding='utf-8')
    repeated = sum(count - 1 for count in digests.values())
    print(f'{len(paths)} images read, {len(labels)} kept in {len(classes)} classes, {repeated} of them duplicates')
    print(f'{min(counts.values())} to {max(counts.values())} images a class; {skipped.summary()}')


if __name__ == '__main__':
    main()
