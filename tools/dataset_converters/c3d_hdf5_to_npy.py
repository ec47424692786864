"""Write the C3D features of ActivityNet, one HDF5 file for all videos, as one .npy for each.

Example: python tools/dataset_converters/c3d_hdf5_to_npy.py sub_activitynet_v1-3.c3d.hdf5 --out \\
             data/activitynet_cg/features/c3d --ann-file data/activitynet_cg/*.json
The file of the ActivityNet challenge of 2016 has a group for each video, with the array c3d_features [T, 500]. With
--ann-file the videos of these annotations alone are written. Files that are there already are kept, so a killed run
goes on where it was.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
from tqdm import tqdm

from vlplugins.utils.cli import friendly_errors
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError


def read_features(file: Any, video_id: str, key: str, path: str) -> np.ndarray:
    """Features float32 ``[T, D]`` of a video.

    Raises:
        RecordError: no such array, another shape, or values that are not finite.
    """
    group = file[video_id]
    if not hasattr(group, 'keys') or key not in group:
        found = sorted(group)[:3] if hasattr(group, 'keys') else 'an array'
        raise RecordError(path, f'{found}', f'a group with {key}', video_id)
    features = np.asarray(group[key][()], dtype=np.float32)
    if features.ndim != 2 or not len(features):
        raise RecordError(path, f'{key} {features.shape}', 'an array [T, D]', video_id)
    if not np.isfinite(features).all():
        raise RecordError(path, 'values that are not finite', 'finite features', video_id)
    return features


def convert(path: str, out: Path, wanted: Optional[List[str]], key: str = 'c3d_features') -> Dict[str, int]:
    """Write the features of the wanted videos, of all by default; returns counts.

    Raises:
        RecordError: no such file, or as :func:`read_features`.
    """
    h5py = require('h5py', 'c3d_hdf5_to_npy')
    if not h5py.is_hdf5(path):
        raise RecordError(path, 'no HDF5 file', 'the features of the ActivityNet challenge of 2016')
    out.mkdir(parents=True, exist_ok=True)
    counts = dict(written=0, kept=0, missing=0)
    with h5py.File(path, 'r') as file:
        for video_id in tqdm(list(file) if wanted is None else wanted, desc='videos', disable=None):
            target = out / f'{video_id}.npy'
            if video_id not in file:
                counts['missing'] += 1
            elif target.is_file():
                counts['kept'] += 1
            else:
                temporary = out / f'.{video_id}.{os.getpid()}.npy'
                np.save(temporary, read_features(file, video_id, key, path))
                os.replace(temporary, target)
                counts['written'] += 1
    return counts


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('features', help='the HDF5 file')
    parser.add_argument('--out', type=Path, required=True, help='folder of the .npy files')
    parser.add_argument('--ann-file', nargs='+', help='annotations, for their videos alone')
    parser.add_argument('--key', default='c3d_features', help='name of the array of a video (c3d_features)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    wanted = None
    if args.ann_file:
        wanted = sorted({video_id for path in args.ann_file for video_id in json.loads(Path(path).read_text())})
    counts = convert(args.features, args.out, wanted, args.key)
    print(f'{args.out}: ' + ', '.join(f'{count:,} {what}' for what, count in counts.items()))


if __name__ == '__main__':
    main()
