"""Convert the raw files of UTKinect-Action3D to the pickle of mmaction2's PoseDataset.

Example: python tools/dataset_converters/utkinect_to_pickle.py data/utkinect data/skeleton/utkinect_3d.pkl
The folder holds actionLabel.txt and joints/joints_s01_e01.txt ... Splits are those of four protocols: loso (a take left
out), losubo (a subject left out), loo (a clip left out), half. A second run with the same input leaves the file alone.
"""

import argparse
from pathlib import Path
from typing import List, Optional

from vlplugins.datasets.formats.skeleton_conversion import write_pickle
from vlplugins.datasets.formats.utkinect import convert_utkinect
from vlplugins.utils.cli import UsageError, friendly_errors


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, help='folder with actionLabel.txt and joints/')
    parser.add_argument('out', type=Path, help='pickle to write')
    parser.add_argument('--dtype', choices=['float32', 'float16'], default='float32', help='of the coordinates')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    if not args.folder.is_dir():
        raise UsageError(f'no such folder: {args.folder}')
    data, report = convert_utkinect(args.folder, args.dtype)
    is_written = write_pickle(args.out, data)
    print(report)
    print(f'{args.out} {"written" if is_written else "is up to date"}')


if __name__ == '__main__':
    main()
