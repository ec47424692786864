"""Raw ``.skeleton`` files of NTU RGB+D (60 and 120 classes): names, reading, choice of bodies, protocols."""

import re
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from vlplugins.utils.records import RecordError

NUM_JOINTS = 25
_HEADER, _PER_JOINT = 10, 12
_NAME = re.compile(r'^S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})$')

_XSUB60_TRAIN = (1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38)
_XSUB120_TRAIN = _XSUB60_TRAIN + (
    45, 46, 47, 49, 50, 52, 53, 54, 55, 56, 57, 58, 59, 70, 74, 78, 80, 81, 82, 83, 84, 85, 86, 89, 91, 92, 93, 94, 95,
    97, 98, 100, 103,
)  # fmt: skip

# Clean-up of VA-CNN: bodies that are this short, or wider than high in this share of their frames, are no people.
_MAX_NOISE_FRAMES = 11
_WIDE, _WIDE_SHARE = 0.8, 0.69754


class ClipName(NamedTuple):
    """What the name of a clip says; all numbers begin at 1."""

    setup: int
    camera: int
    performer: int
    replication: int
    action: int

    @property
    def label(self) -> int:
        """Class, from 0."""
        return self.action - 1


def parse_name(name: Union[str, Path]) -> Optional[ClipName]:
    """Fields of a name such as ``S001C002P003R002A013`` or a path of such a file; ``None`` for other names."""
    match = _NAME.match(Path(name).name.split('.')[0])
    return ClipName(*map(int, match.groups())) if match else None


class Body(NamedTuple):
    """One tracked body: increasing frames ``[n]``, joints ``[n, 25, 3]`` in metres."""

    frames: np.ndarray
    joints: np.ndarray

    @property
    def motion(self) -> float:
        """Variances of the coordinates over time, summed over joints."""
        return float(self.joints.var(axis=0).sum())


def read_skeleton_file(path: Union[str, Path]) -> Tuple[Dict[str, Body], int]:
    """Read a ``.skeleton`` file.

    The identity of a body is its ID as a string: as numbers, IDs of that size become equal.

    Returns:
        The bodies by ID in the order of their appearance, and the number of frames.

    Raises:
        RecordError: a file that is truncated or goes on, a count that is no number, other than 25 joints.
    """
    tokens = Path(path).read_text(encoding='utf-8', errors='replace').split()
    reader = _Tokens(path, tokens)
    num_frames = reader.count('number of frames', 'header')
    places: Dict[str, List[Tuple[int, int]]] = {}
    for frame in range(num_frames):
        for number in range(reader.count('number of bodies', f'frame {frame}')):
            where = f'frame {frame}, body {number}'
            body_id = reader.take(_HEADER, where)
            joints = reader.count('number of joints', where)
            if joints != NUM_JOINTS:
                expected = f"{NUM_JOINTS} joints, the layout 'nturgb+d'"
                raise RecordError(path, f'{joints} joints', expected, where)
            begin = reader.place
            reader.take(NUM_JOINTS * _PER_JOINT, where)
            places.setdefault(tokens[body_id], []).append((frame, begin))
    if reader.place != len(tokens):
        raise RecordError(path, f'{len(tokens) - reader.place} values after the last frame', 'none', 'end')
    return {name: _to_body(path, tokens, found) for name, found in places.items()}, num_frames


class _Tokens:
    """The words of a file, read in order."""

    def __init__(self, path: Any, tokens: List[str]) -> None:
        self.path, self.tokens, self.place = path, tokens, 0

    def take(self, count: int, where: str) -> int:
        """Pass over so many words; returns where they begin."""
        begin = self.place
        if begin + count > len(self.tokens):
            found = f'the end of the file after {len(self.tokens) - begin} of {count} values'
            raise RecordError(self.path, found, 'as many lines as announced', where)
        self.place += count
        return begin

    def count(self, what: str, where: str) -> int:
        """Read a whole number of at least 0."""
        word = self.tokens[self.take(1, where)]
        if not word.isdigit():
            raise RecordError(self.path, f'{what} {word!r}', 'a whole number', where)
        return int(word)


def _to_body(path: Any, tokens: List[str], found: List[Tuple[int, int]]) -> Body:
    # An ID that a frame has twice counts once.
    found = [each for index, each in enumerate(found) if not index or each[0] != found[index - 1][0]]
    frames = np.array([frame for frame, _ in found])
    words = [tokens[begin : begin + NUM_JOINTS * _PER_JOINT] for _, begin in found]
    xyz = [
        row[at]
        for row in words
        for joint in range(NUM_JOINTS)
        for at in range(_PER_JOINT * joint, _PER_JOINT * joint + 3)
    ]
    try:
        joints = np.array(xyz, dtype=np.float64).reshape(len(found), NUM_JOINTS, 3)
    except ValueError as error:
        raise RecordError(path, str(error), 'numbers as coordinates', f'frames {frames[0]} to {frames[-1]}') from None
    return Body(frames, joints)


def _is_wide(body: Body) -> bool:
    spread = np.ptp(body.joints, axis=1)
    return float((spread[:, 0] > _WIDE * spread[:, 1]).mean()) >= _WIDE_SHARE


def choose_bodies(bodies: Iterable[Body], num_frames: int) -> np.ndarray:
    """The one or two actors of a clip, without ghosts (seats, doors), as VA-CNN cleans NTU RGB+D.

    Bodies of 11 frames or fewer go, then those that are wider than high, but never the last one. The one with the
    largest motion is the first actor. By decreasing motion, a further body that is never there together with the first
    actor continues it, else the second one; what fits neither is dropped.

    Returns:
        ``[M, num_frames, 25, 3]`` float64 with M 1 or 2 (0 without a body), zero where an actor is absent.
    """
    bodies = sorted(bodies, key=lambda body: -body.motion)
    if not bodies:
        return np.zeros((0, num_frames, NUM_JOINTS, 3))
    kept = [body for body in bodies if len(body.frames) > _MAX_NOISE_FRAMES]
    kept = kept or [max(bodies, key=lambda body: len(body.frames))]
    if len(kept) > 1:
        kept = [body for body in kept if not _is_wide(body)] or kept[:1]
    actors = np.zeros((2, num_frames, NUM_JOINTS, 3))
    taken = np.zeros((2, num_frames), dtype=bool)
    for body in kept:
        for actor in range(2):
            if not taken[actor, body.frames].any():
                actors[actor, body.frames], taken[actor, body.frames] = body.joints, True
                break
    return actors[taken.any(axis=1)]


def protocols_of(num_classes: int) -> Tuple[str, str]:
    """Names of the protocols of NTU RGB+D (60 classes) or NTU RGB+D 120."""
    return ('xsub', 'xset') if num_classes == 120 else ('xsub', 'xview')


def is_training(clip: ClipName, protocol: str, num_classes: int = 60) -> bool:
    """Whether a clip is for training.

    Args:
        clip: Fields of its name.
        protocol: ``'xsub'``: by performer; ``'xview'``: cameras 2 and 3; ``'xset'``: even setups.
        num_classes: 60 or 120.
    """
    if protocol == 'xsub':
        return clip.performer in (_XSUB120_TRAIN if num_classes == 120 else _XSUB60_TRAIN)
    if protocol == 'xview':
        return clip.camera in (2, 3)
    if protocol == 'xset':
        return clip.setup % 2 == 0
    raise ValueError(f"protocol {protocol!r} is unknown; expected 'xsub', 'xview' or 'xset'")


def make_splits(names: Sequence[str], num_classes: int = 60) -> Dict[str, List[str]]:
    """Names of training and test clips of each protocol: ``xsub_train``, ``xsub_val``, ..."""
    splits: Dict[str, List[str]] = {}
    for protocol in protocols_of(num_classes):
        for part in ('train', 'val'):
            splits[f'{protocol}_{part}'] = [
                name
                for name in names
                if is_training(parse_name(name), protocol, num_classes) == (part == 'train')  # type: ignore[arg-type]
            ]
    return splits


def read_missing_list(path: Union[str, Path]) -> List[str]:
    """Names in a list of samples with missing skeletons: one a line; lines that are no names are headings."""
    lines = Path(path).read_text(encoding='utf-8').splitlines()
    return [Path(line.strip()).name.split('.')[0] for line in lines if line.strip() and parse_name(line.strip())]


def make_annotation(path: Union[str, Path], dtype: str = 'float32') -> Optional[Dict[str, Any]]:
    """Annotation of a file in the form of mmaction2's pickles; ``None`` where nobody is in any frame."""
    bodies, num_frames = read_skeleton_file(path)
    keypoint = choose_bodies(bodies.values(), num_frames)
    if not len(keypoint):
        return None
    name = Path(path).name.split('.')[0]
    return dict(
        frame_dir=name,
        label=parse_name(name).label,  # type: ignore[union-attr]
        total_frames=num_frames,
        keypoint=keypoint.astype(dtype),
    )
