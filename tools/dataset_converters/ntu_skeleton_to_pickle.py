"""Convert the raw .skeleton files of NTU RGB+D (60 or 120 classes) to the pickle of mmaction2's PoseDataset.

Example: python tools/dataset_converters/ntu_skeleton_to_pickle.py data/nturgbd/nturgb+d_skeletons \\
             data/skeleton/ntu60_3d.pkl --missing NTU_RGBD_samples_with_missing_skeletons.txt --jobs 8
Bodies are told apart by their IDs; ghosts (seats, doors) and short detections go, and one or two actors stay. Clips
without anybody are dropped. A second run with the same input leaves the file alone.
"""

import argparse
from pathlib import Path
from typing import Any, Iterable, List, Optional

from tqdm import tqdm

from vlplugins.datasets.formats.ntu_skeleton import read_missing_list
from vlplugins.datasets.formats.skeleton_conversion import convert_ntu, write_pickle
from vlplugins.utils.cli import UsageError, friendly_errors


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, help='folder of the .skeleton files')
    parser.add_argument('out', type=Path, help='pickle to write')
    parser.add_argument('--classes', type=int, choices=[60, 120], default=60, help='classes of the set (default: 60)')
    parser.add_argument('--missing', nargs='+', default=[], help='lists of samples with missing skeletons')
    parser.add_argument('--dtype', choices=['float32', 'float16'], default='float32', help='of the coordinates')
    parser.add_argument('--jobs', type=int, default=1, help='processes (default: 1)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    args = parse_args(argv)
    if not args.folder.is_dir():
        raise UsageError(f'no such folder: {args.folder}')
    missing = [name for path in args.missing for name in read_missing_list(path)]

    def progress(items: Iterable) -> Any:
        return tqdm(items, desc='converting', disable=None, total=sum(1 for _ in args.folder.glob('*.skeleton')))

    data, report = convert_ntu(args.folder, args.classes, missing, args.dtype, args.jobs, progress)
    is_written = write_pickle(args.out, data)
    print(report)
    print(f'{args.out} {"written" if is_written else "is up to date"}')


if __name__ == '__main__':
    main()
