"""Skeleton sequences as a user has them, to the records that pipelines start from."""

import re
from pathlib import Path
from typing import Any, Dict, Tuple, Union

import numpy as np

from vlplugins.datasets.formats.ntu_skeleton import choose_bodies, read_skeleton_file
from vlplugins.datasets.formats.skeleton_record import check_keypoint
from vlplugins.datasets.formats.utkinect import read_joints
from vlplugins.utils.records import RecordError

SKELETON_EXTENSIONS = ('.skeleton', '.npy', '.txt')
_RANGE = re.compile(r'^(.*\.txt):(\d+)-(\d+)$')


def split_range(item: str) -> Tuple[str, Any]:
    """``'joints.txt:252-390'`` to the path and the two frame numbers; other paths to themselves and ``None``."""
    match = _RANGE.match(item)
    return (match.group(1), (int(match.group(2)), int(match.group(3)))) if match else (item, None)


def read_skeletons(item: Union[str, Path, np.ndarray, Dict[str, Any]]) -> Dict[str, Any]:
    """A record ``dict(keypoint [M, T, V, 3], frame_dir, total_frames, ...)``.

    Args:
        item: A ``.skeleton`` file of NTU RGB+D; an ``.npy`` file or an array ``[M, T, V, 3]`` in metres; a joint file
            of UTKinect, whole or with frame numbers (``'joints_s01_e01.txt:252-390'``); or a record of mmaction2.

    Raises:
        RecordError: a damaged file, an array of another shape, a range without a frame.
    """
    if isinstance(item, dict):
        record = dict(item)
    elif isinstance(item, np.ndarray):
        record = dict(keypoint=item, frame_dir='array')
    else:
        record = _read_file(str(item))
    record.setdefault('frame_dir', record.get('filename', 'record'))
    check_keypoint(record.get('keypoint'), record.get('ann_file', 'skeleton'), record['frame_dir'])
    record['total_frames'] = record['keypoint'].shape[1]
    return record


def _read_file(item: str) -> Dict[str, Any]:
    path, numbers = split_range(item)
    suffix = Path(path).suffix.lower()
    if suffix == '.skeleton':
        bodies, num_frames = read_skeleton_file(path)
        if not bodies:
            raise RecordError(path, f'nobody in any of {num_frames} frames', 'a person in at least one frame')
        return dict(keypoint=choose_bodies(bodies.values(), num_frames), frame_dir=Path(path).stem, ann_file=path)
    if suffix == '.npy':
        try:
            return dict(keypoint=np.load(path, allow_pickle=False), frame_dir=Path(path).stem, ann_file=path)
        except ValueError as error:
            raise RecordError(path, str(error), 'an array of numbers [M, T, V, 3]') from None
    if suffix == '.txt':
        frames, joints, _ = read_joints(path)
        inside = slice(None) if numbers is None else (frames >= numbers[0]) & (frames <= numbers[1])
        frames, joints = frames[inside], joints[inside]
        if not len(frames):
            raise RecordError(path, f'no frame {numbers[0]} to {numbers[1]}', 'frame numbers of the file')
        return dict(keypoint=joints[None], frame_numbers=frames, frame_dir=Path(path).stem, ann_file=path)
    raise RecordError(path, f'a file ending in {suffix!r}', f'one of {SKELETON_EXTENSIONS}')
