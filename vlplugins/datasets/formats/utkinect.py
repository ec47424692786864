"""Raw files of UTKinect-Action3D: labels, joints, protocols.

The set has 10 subjects, 2 takes each, 10 actions in a take. ``actionLabel.txt`` names the first and last frame number
of each action; ``joints/joints_s01_e01.txt`` has a line for each frame: its number, and x, y, z of 20 joints in metres.
"""

import math
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple, Union

import numpy as np

from vlplugins.datasets.formats.skeleton_conversion import ConversionReport
from vlplugins.structures.skeleton_layout import KINECT20
from vlplugins.utils.records import RecordError

ACTIONS = (
    'walk', 'sitDown', 'standUp', 'pickUp', 'carry', 'throw', 'push', 'pull', 'waveHands', 'clapHands',
)  # fmt: skip


class Segment(NamedTuple):
    """An action in a take, by frame numbers (both are in it)."""

    action: str
    first: int
    last: int


def read_labels(path: Union[str, Path]) -> Tuple[Dict[str, List[Segment]], List[str]]:
    """Read ``actionLabel.txt``.

    Returns:
        The segments of each take (``'s01_e01'``), and those without numbers (``NaN NaN``), as ``'s10_e02_carry'``.

    Raises:
        RecordError: an empty file, a line of another form, an unknown action, a last frame before the first.
    """
    takes: Dict[str, List[Segment]] = {}
    without: List[str] = []
    take = ''
    for number, line in enumerate(Path(path).read_text(encoding='utf-8').splitlines(), 1):
        words = line.replace(':', ' ').split()
        if len(words) == 1:
            take = words[0]
            takes[take] = []
        elif len(words) == 3 and take and words[0] in ACTIONS:
            segment = _segment(path, f'line {number}, take {take}, {words[0]}', words)
            if segment is None:
                without.append(f'{take}_{words[0]}')
            else:
                takes[take].append(segment)
        elif words:
            expected = f'a take as s01_e01, or action: first last, with an action of {ACTIONS}'
            raise RecordError(path, repr(line), expected, f'line {number}')
    if not takes:
        raise RecordError(path, 'no take', 'lines as s01_e01 and walk: 252 390')
    return takes, without


def _segment(path: Any, where: str, words: List[str]) -> Any:
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError:
        raise RecordError(path, ' '.join(words), 'two frame numbers', where) from None
    if any(math.isnan(number) for number in numbers):
        return None
    first, last = map(int, numbers)
    if last < first:
        raise RecordError(path, f'last frame {last} before the first {first}', 'first and last frame', where)
    return Segment(words[0], first, last)


def read_joints(path: Union[str, Path]) -> Tuple[np.ndarray, np.ndarray, int]:
    """Read the joints of a take.

    Returns:
        Increasing frame numbers ``[T]``, joints ``[T, 20, 3]``, and the number of lines that repeat a frame number (the
        first of them is kept).

    Raises:
        RecordError: a line without 61 numbers, or joints in another order: the head is not above the hips, or the feet
            are not below.
    """
    rows = []
    for number, line in enumerate(Path(path).read_text(encoding='utf-8').splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError:
            row = []
        if len(row) != 61:
            found = f'{len(words)} words' if row or len(words) != 61 else 'words that are no numbers'
            raise RecordError(path, found, 'a frame number and 60 coordinates', f'line {number}')
        rows.append(row)
    if not rows:
        raise RecordError(path, 'no line', 'a line for each frame')
    table = np.array(rows)
    numbers, first = np.unique(table[:, 0].astype(int), return_index=True)
    joints = table[first, 1:].reshape(-1, 20, 3)
    _check_upright(path, joints)
    return numbers, joints, len(table) - len(numbers)


def _check_upright(path: Any, joints: np.ndarray) -> None:
    there = (joints != 0).any(axis=(1, 2))
    if not there.any():
        return
    height = np.nanmedian(joints[there, :, 1], axis=0)
    head, hip = height[KINECT20.index('head')], height[KINECT20.index('pelvis')]
    feet = max(height[KINECT20.index('left_foot')], height[KINECT20.index('right_foot')])
    if not head > hip > feet:
        found = f'median heights {head:.2f} of the head, {hip:.2f} of the hips, {feet:.2f} of the feet'
        raise RecordError(path, found, 'the 20 joints of Kinect v1 in the order of its SDK, y up')


def convert_utkinect(root: Union[str, Path], dtype: str = 'float32') -> Tuple[Dict[str, Any], ConversionReport]:
    """Convert the folder with ``actionLabel.txt`` and ``joints/``.

    Segments are found by frame number, not by line; their order is free and they may share frames.

    Returns:
        ``dict(split, annotations)`` as mmaction2's ``PoseDataset`` reads, annotations with ``frame_numbers [T]``; and
        the report.

    Raises:
        RecordError: no or damaged files.
    """
    root, report = Path(root), ConversionReport()
    takes, without = read_labels(root / 'actionLabel.txt')
    report.read = len(without) + sum(map(len, takes.values()))
    for name in without:
        report.drop('no frame numbers', name)
    annotations, repeated = [], 0
    for take in sorted(takes):
        path = root / 'joints' / f'joints_{take}.txt'
        if not path.is_file():
            raise RecordError(path, 'no such file', f'the joints of take {take}')
        numbers, joints, again = read_joints(path)
        repeated += again
        for segment in takes[take]:
            inside = (numbers >= segment.first) & (numbers <= segment.last)
            keypoint, name = joints[inside][None].astype(dtype), f'{take}_{segment.action}'
            if not inside.any():
                report.drop('no frame of the segment', name)
            elif not keypoint.any():
                report.drop('nobody in any frame', name)
            else:
                annotations.append(
                    dict(
                        frame_dir=name,
                        label=ACTIONS.index(segment.action),
                        total_frames=int(inside.sum()),
                        keypoint=keypoint,
                        frame_numbers=numbers[inside],
                    )
                )
    data = dict(split=make_splits([each['frame_dir'] for each in annotations]), annotations=annotations)
    report.describe(dict(data, split={name: data['split'][name] for name in ('half_train', 'half_val')}))
    report.lines.append(f'{repeated} lines that repeat a frame number')
    return data, report


def make_splits(names: List[str]) -> Dict[str, List[str]]:
    """Splits of all protocols, ``<protocol>_<fold>_train`` and ``..._val``.

    ``loso``: each take is left out once (20 folds of the whole set); ``losubo``: each subject (10); ``loo``: each clip
    (199); ``half``: training on subjects 1, 3, 5, 7, 9, without a fold.
    """
    takes = sorted({name[:7] for name in names})
    subjects = sorted({name[:3] for name in names})
    folds = {f'loso_{index:02d}': [name for name in names if name[:7] == take] for index, take in enumerate(takes)}
    folds.update({f'losubo_{i:02d}': [name for name in names if name[:3] == each] for i, each in enumerate(subjects)})
    folds.update({f'loo_{index:03d}': [name] for index, name in enumerate(names)})
    folds['half'] = [name for name in names if int(name[1:3]) % 2 == 0]
    splits: Dict[str, List[str]] = {}
    for fold, held_out in folds.items():
        left = set(held_out)
        splits[f'{fold}_train'] = [name for name in names if name not in left]
        splits[f'{fold}_val'] = held_out
    return splits
