"""Pack a folder of videos into one LMDB database: key = path below the folder, value = the bytes of the file.

Example: python tools/dataset_converters/videos_to_lmdb.py data/msrvtt/videos data/msrvtt/videos.lmdb
The data sets of text-video retrieval read it with data_prefix=dict(video='videos.lmdb'). Every video is opened once. A
run that is interrupted goes on where it stopped; a finished one changes nothing.
"""

import argparse
from pathlib import Path
from typing import List, Optional

from tqdm import tqdm

from vlplugins.datasets.formats.video_files import open_video
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError, SkipCounter

_EXTENSIONS = ('.mp4', '.avi', '.webm', '.mkv', '.mov', '.flv', '.mpg', '.mpeg')


def _check(path: Path) -> None:
    """Raise ``RecordError`` for a file that is no video with frames."""
    if len(open_video(str(path))) == 0:
        raise RecordError(path, 'a video without frames', 'at least one frame')


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('videos', type=Path, help='folder of videos, searched with its subfolders')
    parser.add_argument('out', type=Path, help='the database, a name that ends in .lmdb')
    parser.add_argument('--skip-bad', action='store_true', help='leave unreadable videos out, instead of stopping')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if args.out.suffix != '.lmdb':
        raise UsageError(f'{args.out} must end in .lmdb: by this the data sets know a database')
    lmdb = require('lmdb', 'videos_to_lmdb.py')
    paths = sorted(path for path in args.videos.rglob('*') if path.suffix.lower() in _EXTENSIONS)
    if not paths:
        raise RecordError(args.videos, 'no video', f'files that end in {", ".join(_EXTENSIONS)}')
    args.out.parent.mkdir(parents=True, exist_ok=True)
    kept, added, skipped = 0, 0, SkipCounter('videos')
    size = 2 * sum(path.stat().st_size for path in paths) + 2**26
    with lmdb.open(str(args.out), map_size=size) as environment:
        for path in tqdm(paths, desc='packing'):
            key, data = path.relative_to(args.videos).as_posix().encode(), path.read_bytes()
            # Each video is a transaction of its own: a killed run keeps what it has packed.
            with environment.begin(write=True) as transaction:
                if transaction.get(key) != data:
                    try:
                        _check(path)
                    except RecordError as error:
                        if not args.skip_bad:
                            raise
                        skipped.add(error.found)
                        continue
                    transaction.put(key, data)
                    added += 1
            kept += 1
    print(f'{len(paths)} videos read, {kept} kept, {added} of them new; {skipped.summary()}')


if __name__ == '__main__':
    main()
