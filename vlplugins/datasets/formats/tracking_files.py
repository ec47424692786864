"""Files of tracking sets: boxes and flags of a sequence, MOT's tables, CrowdHuman's lines."""

import configparser
import json
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Optional, Union

import numpy as np

from vlplugins.utils.records import RecordError

_MOT_COLUMNS = 'frame, id, x, y, width, height, confidence, class, visibility'


def read_boxes(path: Union[str, Path], num_frames: Optional[int] = None, allow_nan: bool = False) -> np.ndarray:
    """Boxes ``[T, 4]`` (x, y, width, height in pixels) of a file with one a line, by commas, tabs or blanks.

    Args:
        path: ``groundtruth.txt`` of LaSOT and GOT-10k, ``anno/VIDEO.txt`` of TrackingNet.
        num_frames: Lines that there must be; any number by default.
        allow_nan: Whether frames without a target may be marked by ``nan``.

    Raises:
        RecordError: no such file, a line that is no box, or another number of lines.
    """
    boxes = []
    for number, line in enumerate(_lines(path, 'a box a line'), 1):
        words = line.replace(',', ' ').split()
        try:
            box = [float(word) for word in words]
        except ValueError:
            box = []
        if len(box) != 4 or not (allow_nan or np.isfinite(box).all()):
            raise RecordError(path, f'{line[:60]!r}', 'x, y, width, height', f'line {number}')
        boxes.append(box)
    if num_frames is not None and len(boxes) != num_frames:
        raise RecordError(path, f'{len(boxes)} boxes', f'one for each of {num_frames} frames')
    return np.array(boxes, dtype=np.float64).reshape(-1, 4)


def read_flags(path: Union[str, Path], num_frames: int) -> np.ndarray:
    """Whole numbers ``[T]`` of a sequence, one a line or all in one line by commas.

    Args:
        path: ``full_occlusion.txt`` and ``out_of_view.txt`` of LaSOT, ``absence.label`` and ``cover.label`` of GOT-10k.
        num_frames: T.

    Raises:
        RecordError: no such file, a word that is no whole number, or another count.
    """
    words = [word.strip() for line in _lines(path, 'flags') for word in line.split(',')]
    for number, word in enumerate(words, 1):
        if not word.isdigit():
            raise RecordError(path, f'{word[:20]!r}', 'a whole number from 0', f'flag {number}')
    if len(words) != num_frames:
        raise RecordError(path, f'{len(words)} flags', f'one for each of {num_frames} frames')
    return np.array([int(word) for word in words])


class MOTTable(NamedTuple):
    """Rows of a table of MOT Challenge: ``frame`` and ``track`` int64 ``[N]`` (frames from 1), ``boxes [N, 4]``
    (x, y, width, height), ``confidence``, ``category`` int64 and ``visibility`` ``[N]``.
    """

    frame: np.ndarray
    track: np.ndarray
    boxes: np.ndarray
    confidence: np.ndarray
    category: np.ndarray
    visibility: np.ndarray


def read_mot_table(path: Union[str, Path], unique: bool = True) -> MOTTable:
    """Read ``gt.txt``, or ``det.txt`` with ``unique=False`` (all tracks are -1 there); missing columns are 1.

    Raises:
        RecordError: no such file, a line that is no row, or a track with two boxes in a frame.
    """
    rows, seen = [], {}
    for number, line in enumerate(_lines(path, _MOT_COLUMNS), 1):
        try:
            row = [float(word) for word in line.split(',')]
        except ValueError:
            row = []
        if not 6 <= len(row) <= 10 or not np.isfinite(row).all() or row[0] < 1:
            raise RecordError(path, f'{line[:60]!r}', _MOT_COLUMNS, f'line {number}')
        key = int(row[0]), int(row[1])
        if unique and key in seen:
            found = f'a second box of track {key[1]} in frame {key[0]}, after that of line {seen[key]}'
            raise RecordError(path, found, 'one box of a track in a frame', f'line {number}')
        seen[key] = number
        rows.append((row + [1.0] * 3)[:9])
    table = np.array(rows, dtype=np.float64).reshape(-1, 9)
    whole = table.astype(np.int64)
    return MOTTable(whole[:, 0], whole[:, 1], table[:, 2:6], table[:, 6], whole[:, 7], table[:, 8])


def read_seqinfo(path: Union[str, Path]) -> Dict[str, Any]:
    """``name, imDir, frameRate, seqLength, imWidth, imHeight, imExt`` of a ``seqinfo.ini`` of MOT Challenge.

    Raises:
        RecordError: no such file, no section ``[Sequence]``, a missing key, or a number that is none.
    """
    parser = configparser.ConfigParser()
    parser.optionxform = str
    try:
        parser.read_string('\n'.join(_lines(path, 'a section [Sequence]')))
        section = parser['Sequence']
        numbers = {key: int(section[key]) for key in ('frameRate', 'seqLength', 'imWidth', 'imHeight')}
        return dict(numbers, **{key: section[key] for key in ('name', 'imDir', 'imExt')})
    except (configparser.Error, KeyError, ValueError) as error:
        raise RecordError(path, f'{type(error).__name__} {error}', 'a section [Sequence] with all keys') from None


def read_odgt(path: Union[str, Path]) -> Iterator[Dict[str, Any]]:
    """Records ``dict(ID, gtboxes)`` of an ``.odgt`` file of CrowdHuman, one a line.

    Raises:
        RecordError: no such file, or a line that is no such record.
    """
    for number, line in enumerate(_lines(path, 'a record of JSON a line', keep_blank=True), 1):
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict) or not isinstance(record.get('gtboxes'), list) or 'ID' not in record:
            raise RecordError(path, f'{line[:60]!r}', 'JSON with ID and gtboxes', f'line {number}')
        yield record


def _lines(path: Union[str, Path], expected: str, keep_blank: bool = False) -> Iterator[str]:
    try:
        with open(path, encoding='utf-8') as file:
            for line in file:
                if keep_blank or line.strip():
                    yield line.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordError(path, getattr(error, 'strerror', None) or str(error), expected) from None
