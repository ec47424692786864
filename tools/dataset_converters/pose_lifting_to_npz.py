"""Convert Human3.6M, MPI-INF-3DHP or 3DPW to the common file of pose lifting, 16 joints.

Examples:
  python tools/dataset_converters/pose_lifting_to_npz.py human36m data/h36m/data_3d_h36m.npz data/h36m/s9.npz \\
      --cameras data/h36m/cameras.pkl --keypoints data/h36m/data_2d_h36m_gt.npz --subjects S9
  python tools/dataset_converters/pose_lifting_to_npz.py mpi_inf_3dhp mpi_inf_3dhp_test_set
  data/mpi_inf_3dhp/test_3dhp.npz python tools/dataset_converters/pose_lifting_to_npz.py 3dpw
  data/3dpw/sequenceFiles/test data/3dpw/test.npz

The source of mpi_inf_3dhp is the folder of TS1 to TS6 with their annot_data.mat (HDF5, which needs h5py), or a .npz of
mmpose's converter or with 24 joints. Poses become metres in camera space, 2D poses stay pixels. What is left out is
counted. A second run with the same input leaves the file alone.
"""

import argparse
import os
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

import numpy as np

from vlplugins.datasets import Human36mLiftingDataset, MPIINF3DHPLiftingDataset, ThreeDPWLiftingDataset
from vlplugins.datasets.formats.pose_table import PoseTable, check_table
from vlplugins.datasets.mpi_inf_3dhp_lifting import JOINTS_OF_17, image_size_of
from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError, SkipCounter
from vlplugins.utils.safe_npz import load_npz

_KEYS = ('annot2', 'annot3', 'univ_annot3', 'valid_frame', 'activity_annotation')


def read_test_sequence(content: Mapping[str, Any], name: str, scale: str, left_out: SkipCounter) -> PoseTable:
    """Poses of a test sequence of MPI-INF-3DHP.

    Args:
        content: Arrays of ``annot_data.mat``: ``annot2 [T, 1, 17, 2]``, ``annot3`` and ``univ_annot3``
            ``[T, 1, 17, 3]`` (millimetres), ``valid_frame [T]``, ``activity_annotation [T]``.
        name: Name of the sequence, ``TS1``.
        scale: ``'true'`` (``annot3``) or ``'universal'`` (``univ_annot3``, bodies of one height).
        left_out: Counts the frames that are not valid.

    Raises:
        RecordError: a missing array, or one of another shape.
    """
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise RecordError(name, f'no {missing}', f'the arrays {_KEYS}')
    pixels = np.asarray(content['annot2'], dtype=np.float64)
    poses = np.asarray(content['annot3' if scale == 'true' else 'univ_annot3'], dtype=np.float64)
    valid = np.asarray(content['valid_frame']).ravel().astype(bool)
    if poses.shape[1:] != (1, 17, 3) or pixels.shape[1:] != (1, 17, 2) or not len(poses) == len(pixels) == len(valid):
        found = f'poses {poses.shape}, 2D poses {pixels.shape}, {len(valid)} marks of validity'
        raise RecordError(name, found, '[T, 1, 17, 3], [T, 1, 17, 2] and T')
    for _ in range(int((~valid).sum())):
        left_out.add('not valid')
    order, count = list(JOINTS_OF_17), int(valid.sum())
    activity = np.asarray(content['activity_annotation']).ravel()
    return PoseTable(
        pose3d=(poses[valid, 0][:, order] / 1000).astype(np.float32),
        pose2d=pixels[valid, 0][:, order].astype(np.float32),
        image_size=np.tile(np.float32(image_size_of(name)), (count, 1)),
        camera=None,
        subject=np.full(count, name),
        action=np.array([f'activity{int(each)}' for each in activity[valid]]),
        frame=np.flatnonzero(valid) + 1,
    )


def read_3dhp(folder: Path, scale: str, left_out: SkipCounter) -> PoseTable:
    """Poses of all test sequences in a folder.

    Raises:
        UsageError: no sequence.
    """
    paths = sorted(path for path in folder.glob('TS*/annot_data.mat') if re.fullmatch(r'TS\d', path.parent.name))
    if not paths:
        raise UsageError(f'{folder} holds no TS1/annot_data.mat')
    h5py = require('h5py', 'the official files of MPI-INF-3DHP')
    tables = []
    for path in paths:
        with h5py.File(path, 'r') as file:
            content = {key: np.asarray(file[key]) for key in file if key in _KEYS}
        tables.append(read_test_sequence(content, path.parent.name, scale, left_out))
    return PoseTable.join(tables)


def read(args: argparse.Namespace, left_out: SkipCounter) -> PoseTable:
    """Poses of the data set of the command line."""
    if args.dataset == 'mpi_inf_3dhp' and Path(args.source).is_dir():
        table = read_3dhp(Path(args.source), args.scale, left_out)
        check_table(table, args.source)
        return table
    if args.dataset == 'mpi_inf_3dhp':
        return MPIINF3DHPLiftingDataset(ann_file=args.source).table
    if args.dataset == '3dpw':
        dataset = ThreeDPWLiftingDataset(ann_file=args.source, keypoint_2d_src=args.keypoint_2d_src)
        left_out.reasons.update(dataset.left_out.reasons)
        return dataset.table
    if not args.cameras:
        raise UsageError('human36m needs --cameras, the cameras.pkl of mmpose')
    return Human36mLiftingDataset(
        ann_file=args.source,
        camera_param_file=args.cameras,
        keypoint_file=args.keypoints,
        subjects=args.subjects,
        allow_trim=args.allow_trim,
    ).table


def write_if_changed(path: Path, arrays: Dict[str, np.ndarray]) -> bool:
    """Write a ``.npz`` in one piece unless it holds these arrays; returns whether it was written."""
    if path.is_file():
        try:
            old = load_npz(path)
        except RecordError:
            old = {}
        if set(old) == set(arrays) and all(np.array_equal(old[key], arrays[key]) for key in arrays):
            return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.npz')
    np.savez(temporary, **arrays)
    os.replace(temporary, path)
    return True


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Convert."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('dataset', choices=['human36m', 'mpi_inf_3dhp', '3dpw'], help='format of the source')
    parser.add_argument('source', help='file or folder to read')
    parser.add_argument('out', type=Path, help='.npz file to write')
    parser.add_argument('--cameras', help='cameras.pkl of mmpose (human36m)')
    parser.add_argument('--keypoints', help='file of 2D poses (human36m; default: projections, or those of mmpose)')
    parser.add_argument('--subjects', nargs='+', help='subjects to keep (human36m)')
    parser.add_argument('--allow-trim', action='store_true', help='shorten takes with fewer 2D poses (human36m)')
    parser.add_argument('--scale', choices=['true', 'universal'], default='true', help='size of bodies (mpi_inf_3dhp)')
    parser.add_argument('--keypoint-2d-src', choices=['gt', 'detection'], default='gt', help='2D poses (3dpw)')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    args = parser.parse_args(argv)
    left_out = SkipCounter('poses')
    table = read(args, left_out)
    arrays = {name: value for name, value in vars(table).items() if value is not None}
    is_written = write_if_changed(args.out, arrays)
    print(f'{len(table) + left_out.total} poses read, {len(table)} kept; {left_out.summary()}')
    names, counts = np.unique(table.subject, return_counts=True)
    print('; '.join(f'{name}: {count}' for name, count in zip(names, counts)))
    if args.dataset == 'mpi_inf_3dhp':
        print(f'size of bodies: {args.scale}')
    print(f'{args.out} {"written" if is_written else "is up to date"}')


if __name__ == '__main__':
    main()
