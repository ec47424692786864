"""Small sets of actions in the raw files of NTU RGB+D; test people are of other sizes and seen from another side."""

import shutil
from pathlib import Path
from typing import Any, Dict, List, Tuple

import numpy as np

from vlplugins.datasets.formats.skeleton_conversion import convert_ntu, write_pickle
from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.kinematics import forward_kinematics
from vlplugins.datasets.synthetic.skeleton_actions import PERSON_OFFSETS, PERSON_PARENTS
from vlplugins.datasets.synthetic.skeleton_files import (
    bump,
    format_skeleton_file,
    turn_about_vertical,
    write_files,
)
from vlplugins.registry import TASK_UTILS

RAW_FOLDER, PICKLE = 'nturgb+d_skeletons', 'ntu_3d.pkl'
# Camera 1 sees the test set, 2 and 3 the training set (the protocol xview).
_CAMERA_YAW = {1: -46.0, 2: 0.0, 3: 46.0}
_TRAIN_PERFORMERS, _TEST_PERFORMERS = tuple(range(1, 7)), tuple(range(7, 11))
_SPREAD_OF_YAW = 9.0

# What turns at the peak: joint and rotation vector (radians) of a person who faces the camera.
_RIGHT_ARM_FORWARD = {8: (1.5, 0.0, 0.0)}
_RIGHT_ARM_SIDEWAYS = {8: (0.0, 0.0, 1.5)}
_HAND_TO_HEAD = {8: (1.2, 0.0, 0.0), 9: (1.9, 0.0, 0.0)}
_TURNS: Tuple[Dict[int, Tuple[float, float, float]], ...] = (
    _RIGHT_ARM_FORWARD, _RIGHT_ARM_FORWARD, _RIGHT_ARM_SIDEWAYS, _HAND_TO_HEAD, {}, {},
    {17: (-0.6, 0.0, 0.0)}, {13: (-0.6, 0.0, 0.0)},
)  # fmt: skip
# Frames from the peak; a range is drawn from.
_HALF_WIDTHS = ((22, 22), (10, 10), (10, 22), (10, 22), (14, 14), (14, 14), (2, 2), (2, 2))
_JUMP_HEIGHTS = (0.0, 0.0, 0.0, 0.0, 0.10, 0.20, 0.0, 0.0)


class _RawNTU(SyntheticDataset):
    """What both generators share: names, cameras, noise, files, and the real converter.

    Args:
        root: Folder of the set.
        num_train: Training clips.
        num_test: Test clips.
        noise: Deviation of the noise of each coordinate in metres.
        keep_raw: Keep all raw files; otherwise the first 16.
        seed: Seed of all random choices.
    """

    CLASSES: Tuple[str, ...] = ()

    def __init__(
        self, root: str, num_train: int, num_test: int, noise: float = 0.004, keep_raw: bool = False, seed: int = 0
    ) -> None:
        super().__init__(root, seed)
        if min(num_train, num_test) < len(self.CLASSES):
            raise ValueError(f'{num_train} and {num_test} clips cannot hold {len(self.CLASSES)} classes each')
        self.num_train, self.num_test, self.noise, self.keep_raw = num_train, num_test, noise, keep_raw

    def bodies(self, label: int, child: bool, generator: np.random.Generator) -> List[np.ndarray]:
        """Bodies ``[T, 25, 3]`` of a clip, metres, facing the camera at the origin of the scene."""
        raise NotImplementedError

    def generator_of(self, split: int, number: int) -> np.random.Generator:
        """Source of all random choices of a clip."""
        return np.random.default_rng([self.seed, split, number])

    def write(self, folder: Path) -> None:
        """Write the raw files, and convert them to the pickle."""
        raw = folder / RAW_FOLDER
        for split, count in enumerate((self.num_train, self.num_test)):
            names: set = set()
            for number in range(count):
                generator = self.generator_of(split, number)
                text, name = self._clip(split, number, generator, names)
                write_files(raw, {f'{name}.skeleton': text})
        data, report = convert_ntu(raw)
        write_pickle(folder / PICKLE, data)
        (folder / 'report.txt').write_text(f'{report}\n', encoding='utf-8')
        if not self.keep_raw:
            self._thin_out(raw)

    def _clip(self, split: int, number: int, generator: np.random.Generator, names: set) -> Tuple[str, str]:
        label = number % len(self.CLASSES)
        performers = _TEST_PERFORMERS if split else _TRAIN_PERFORMERS
        performer = performers[int(generator.integers(len(performers)))]
        camera = 1 if split else int(generator.integers(2, 4))
        prefix, suffix = f'S001C{camera:03d}P{performer:03d}', f'A{label + 1:03d}'
        take = next(take for take in range(1, 1000) if f'{prefix}R{take:03d}{suffix}' not in names)
        names.add(f'{prefix}R{take:03d}{suffix}')
        bodies = self.bodies(label, bool(split), generator)
        yaw = _CAMERA_YAW[camera] + generator.normal(0, _SPREAD_OF_YAW)
        place = np.array([generator.uniform(-0.3, 0.3), generator.uniform(-0.2, 0.2), generator.uniform(2.2, 4.0)])
        seen = [turn_about_vertical(joints, yaw) + place for joints in bodies]
        seen = [joints + generator.normal(0, self.noise, joints.shape) for joints in seen]
        return format_skeleton_file(seen), f'{prefix}R{take:03d}{suffix}'

    @staticmethod
    def _thin_out(raw: Path) -> None:
        kept = raw.with_name('kept')
        kept.mkdir()
        for path in sorted(raw.iterdir())[:16]:
            path.rename(kept / path.name)
        shutil.rmtree(raw)
        kept.rename(raw)


def _pose(turns: Dict[int, Any], swell: np.ndarray) -> np.ndarray:
    rotations = {joint: swell[:, None] * np.array(vector) for joint, vector in turns.items()}
    return forward_kinematics(PERSON_PARENTS, np.array(PERSON_OFFSETS), rotations, len(swell))


def _sway(length: int, generator: np.random.Generator) -> np.ndarray:
    phase, pace = generator.uniform(0, 2 * np.pi), generator.uniform(0.03, 0.08)
    return 0.015 * np.sin(phase + pace * np.arange(length))[:, None, None] * np.array([1.0, 0.0, 0.6])


@TASK_UTILS.register_module()
class SyntheticNTUActions(_RawNTU):
    """Eight actions of one person, as ``.skeleton`` files and as the pickle that the real converter makes of them.

    Signal: one event at a random time. 0, 1: the right arm goes forward and back, slow or fast. 2: the right arm goes
    to the side. 3: the hand goes to the head. 4, 5: a jump of 0.10 or 0.20 times the size of the body. 6, 7: a twitch
    of 5 frames of the right or the left foot. Adults (1.05-1.3 times the size) seen from 0 and 46 degrees are for
    training, children (0.6-0.8) seen from -46 degrees for testing, so that front and side, and the heights of the
    jumps, are confused without normalisation of view and size; slow and fast arms without velocities; the twitches
    without key frames.

    Why nothing leaks: size, place, yaw, sway, drift (up to 0.5 m in x and z over the clip), length (90-150 frames),
    time of the event and noise are drawn independently of the class. Chance is 12.5 %, a perfect model scores 100 %.

    Files: ``nturgb+d_skeletons/*.skeleton``, ``ntu_3d.pkl`` (splits ``xview_train`` and ``xview_val``, in which
    performers are disjoint too), ``report.txt`` of the converter.

    Args:
        root: Folder of the set.
        num_train: Training clips.
        num_test: Test clips.
        noise: Deviation of the noise of each coordinate in metres.
        length: Shortest and longest clip in frames.
        drift: Largest drift over the clip in metres.
        keep_raw: Keep all raw files (some 90 MB); otherwise the first 16.
        seed: Seed of all random choices.
    """

    CLASSES = (
        'arm forward slowly', 'arm forward fast', 'arm to the side', 'hand to head', 'low jump', 'high jump',
        'right foot twitches', 'left foot twitches',
    )  # fmt: skip

    def __init__(
        self,
        root: str,
        num_train: int = 320,
        num_test: int = 160,
        noise: float = 0.004,
        length: Tuple[int, int] = (90, 150),
        drift: float = 0.5,
        keep_raw: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(root, num_train, num_test, noise, keep_raw, seed)
        if not 60 <= length[0] <= length[1]:
            raise ValueError(f'length {tuple(length)} must be shortest and longest, 60 frames or more')
        self.length, self.drift = tuple(length), drift

    def bodies(self, label: int, child: bool, generator: np.random.Generator) -> List[np.ndarray]:
        """One person who does what the label says."""
        frames = int(generator.integers(self.length[0], self.length[1] + 1))
        half_width = generator.uniform(*_HALF_WIDTHS[label])
        # The largest margin of all classes for each of them: the time of the event tells nothing.
        peak = generator.uniform(25, frames - 25)
        swell = bump(frames, peak, half_width)
        joints = _pose(_TURNS[label], swell)
        joints[..., 1] += _JUMP_HEIGHTS[label] * swell[:, None]
        joints = generator.uniform(0.6, 0.8) * joints if child else generator.uniform(1.05, 1.3) * joints
        speed = generator.uniform(-self.drift, self.drift, 3) * np.array([1.0, 0.0, 1.0])
        path = np.linspace(-0.5, 0.5, frames)[:, None, None] * speed
        return [joints + path + _sway(frames, generator)]


@TASK_UTILS.register_module()
class SyntheticNTUPairs(_RawNTU):
    """Two persons who stand 0.9 m or 2.9 m apart; one lifts an arm. The distance is the class, and nothing else.

    Clips come in pairs that are drawn alike but for the distance. A model that sees each person in coordinates of their
    own has the same input for both, and is at chance, 50 %; a perfect model scores 100 %.

    Files and arguments as those of :class:`SyntheticNTUActions`.

    Args:
        root: Folder of the set.
        num_train: Training clips.
        num_test: Test clips.
        noise: Deviation of the noise of each coordinate in metres.
        keep_raw: Keep all raw files; otherwise the first 16.
        seed: Seed of all random choices.
    """

    CLASSES = ('near', 'far')
    DISTANCES = (0.9, 2.9)

    def __init__(
        self,
        root: str,
        num_train: int = 64,
        num_test: int = 32,
        noise: float = 0.004,
        keep_raw: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(root, num_train, num_test, noise, keep_raw, seed)

    def generator_of(self, split: int, number: int) -> np.random.Generator:
        """The two clips of a pair share all random choices."""
        return np.random.default_rng([self.seed, 2 + split, number // 2])

    def bodies(self, label: int, child: bool, generator: np.random.Generator) -> List[np.ndarray]:
        """Two persons, the first of whom lifts an arm."""
        frames = int(generator.integers(50, 71))
        swell = bump(frames, generator.uniform(20, frames - 20), 12)
        # Alike in both splits: a distance in metres is another one in bodies of children.
        scale = generator.uniform(0.9, 1.1)
        angle = generator.uniform(0, 2 * np.pi)
        apart = self.DISTANCES[label] * np.array([np.cos(angle), 0.0, np.sin(angle)])
        mover = _pose(_RIGHT_ARM_FORWARD, swell) * scale + _sway(frames, generator)
        other = _pose({}, swell) * generator.uniform(0.9, 1.1) * scale + _sway(frames, generator)
        return [mover - apart / 2, other + apart / 2]
