"""Moving skeletons of a few actions, in the pickle of mmaction2's ``PoseDataset``."""

import pickle
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np

from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.kinematics import forward_kinematics, rotation_matrix
from vlplugins.registry import TASK_UTILS

# Kinect v2 (NTU RGB+D): parent and offset of each joint in metres (x to the camera's left, y up, z away from it) of a
# person who faces the camera, so that the right side of the body has the larger x.
PERSON_PARENTS = (-1, 0, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 1, 7, 7, 11, 11)
PERSON_OFFSETS = (
    (0, 0, 0), (0, 0.25, 0), (0, 0.07, 0), (0, 0.14, 0),
    (-0.17, -0.03, 0), (0, -0.28, 0), (0, -0.25, 0), (0, -0.08, 0),
    (0.17, -0.03, 0), (0, -0.28, 0), (0, -0.25, 0), (0, -0.08, 0),
    (-0.09, -0.04, 0), (0, -0.42, 0), (0, -0.40, 0), (0, -0.06, -0.12),
    (0.09, -0.04, 0), (0, -0.42, 0), (0, -0.40, 0), (0, -0.06, -0.12),
    (0, 0.25, 0), (0, -0.08, 0), (0.04, -0.02, 0), (0, -0.08, 0), (-0.04, -0.02, 0),
)  # fmt: skip
_FEET, _FLOOR = (15, 19), -0.92
# Joints of COCO from those of NTU; the five of the face are built from the head.
_COCO_BODY = (4, 8, 5, 9, 6, 10, 12, 16, 13, 17, 14, 18)
_COCO_FACE = ((0, 0, -0.1), (-0.03, 0.03, -0.09), (0.03, 0.03, -0.09), (-0.08, 0, 0), (0.08, 0, 0))
_FOCAL, _IMAGE = 1060.0, (1080, 1920)

# What turns in each action: joint and rotation vector in radians at the peak of the movement.
_ACTIONS: Dict[str, Dict[int, Tuple[float, float, float]]] = {
    'raise right arm': {8: (0, 0, 2.4)},
    'raise left arm': {4: (0, 0, -2.4)},
    'kick with right leg': {16: (1.2, 0, 0)},
    'bow': {1: (-0.9, 0, 0)},
    'squat': {12: (1.3, 0, 0), 16: (1.3, 0, 0), 13: (-2.0, 0, 0), 17: (-2.0, 0, 0)},
    'clap': {4: (1.4, 0, 0.35), 8: (1.4, 0, -0.35)},
}


@TASK_UTILS.register_module()
class SyntheticSkeletonActions(SyntheticDataset):
    """Writes one pickle of skeleton sequences, as the NTU RGB+D files that mmaction2 offers.

    Signal: the class is the movement, which swells and ebbs once at a random time; every clip begins and ends in the
    same standing pose. Body size, heading, place, sway, length, tempo and noise are drawn independently of the class.
    Chance is one over ``num_classes``; a perfect model scores 100 %. People of the validation set are not in the
    training set. Classes are balanced in both, as far as the counts divide.

    File: ``skeleton_actions.pkl``, ``dict(split=dict(xsub_train=[...], xsub_val=[...]), annotations=[...])``. An
    annotation has ``frame_dir`` (a name as ``S001C001P003R002A001``), ``label``, ``total_frames`` and ``keypoint``:
    for ``layout='nturgb+d'`` float32 ``[1, T, 25, 3]`` in metres in the camera's space; for ``'coco'`` float16
    ``[1, T, 17, 2]`` in pixels, with ``keypoint_score [1, T, 17]``, ``img_shape`` and ``original_shape``.

    Args:
        root: Folder of the set.
        num_train: Training clips.
        num_val: Validation clips.
        num_classes: Actions, 2 to 6: the first of :attr:`CLASSES`.
        layout: ``'nturgb+d'`` or ``'coco'``.
        length: Shortest and longest clip in frames.
        noise: Deviation of the noise of each coordinate in metres.
        seed: Seed of all random choices.
    """

    CLASSES = tuple(_ACTIONS)

    def __init__(
        self,
        root: str,
        num_train: int = 64,
        num_val: int = 32,
        num_classes: int = 4,
        layout: str = 'nturgb+d',
        length: Tuple[int, int] = (40, 70),
        noise: float = 0.004,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        if not 2 <= num_classes <= len(_ACTIONS):
            raise ValueError(f'num_classes {num_classes} must be between 2 and {len(_ACTIONS)}')
        if layout not in ('nturgb+d', 'coco'):
            raise ValueError(f"layout {layout!r} is unknown; expected 'nturgb+d' or 'coco'")
        if not 8 <= length[0] <= length[1]:
            raise ValueError(f'length {tuple(length)} must be shortest and longest, 8 frames or more')
        if min(num_train, num_val) < num_classes:
            raise ValueError(f'{num_train} and {num_val} clips cannot hold {num_classes} classes each')
        self.num_train, self.num_val, self.num_classes = num_train, num_val, num_classes
        self.layout, self.length, self.noise = layout, tuple(length), noise

    def write(self, folder: Path) -> None:
        """Write the pickle."""
        splits: Dict[str, List[str]] = {}
        annotations: List[dict] = []
        people = dict(xsub_train=(1, 2, 4, 5), xsub_val=(3, 6))
        for index, (split, count) in enumerate((('xsub_train', self.num_train), ('xsub_val', self.num_val))):
            generator = np.random.default_rng([self.seed, index])
            names = []
            for number in range(count):
                label = number % self.num_classes
                take = number // self.num_classes
                person = people[split][take % len(people[split])]
                names.append(f'S001C001P{person:03d}R{take + 1:03d}A{label + 1:03d}')
                annotations.append(dict(frame_dir=names[-1], label=label, **self._clip(label, generator)))
            splits[split] = names
        with open(folder / 'skeleton_actions.pkl', 'wb') as file:
            pickle.dump(dict(split=splits, annotations=annotations), file)

    def _clip(self, label: int, generator: np.random.Generator) -> dict:
        frames = int(generator.integers(self.length[0], self.length[1] + 1))
        joints = self._movement(label, frames, generator)
        if self.layout == 'coco':
            joints = _to_coco(joints)
        joints = self._place(joints, generator)
        if self.layout == 'nturgb+d':
            return dict(keypoint=joints[None].astype(np.float32), total_frames=frames)
        return dict(
            keypoint=_project(joints)[None].astype(np.float16),
            keypoint_score=np.ones((1, frames, 17), dtype=np.float16),
            total_frames=frames,
            img_shape=_IMAGE,
            original_shape=_IMAGE,
        )

    def _movement(self, label: int, frames: int, generator: np.random.Generator) -> np.ndarray:
        """Joints ``[T, 25, 3]`` of an adult who faces the camera, in metres from the pelvis of the standing pose."""
        time = np.arange(frames)
        width = frames * generator.uniform(0.1, 0.16)
        peak = generator.uniform(2.5 * width, frames - 2.5 * width)
        # Below 5 % at both ends, 1 at the peak.
        swell = np.exp(-(((time - peak) / width) ** 2) / 2)[:, None]
        strength = generator.uniform(0.85, 1.15)
        action = _ACTIONS[self.CLASSES[label]]
        rotations = {joint: strength * swell * np.array(vector) for joint, vector in action.items()}
        joints = forward_kinematics(PERSON_PARENTS, np.array(PERSON_OFFSETS), rotations, frames)
        # The lower foot stays on the floor: who bends both knees sinks.
        lowest = joints[:, list(_FEET), 1].min(axis=1)
        joints[..., 1] += (_FLOOR - lowest)[:, None]
        return joints

    def _place(self, joints: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Joints ``[T, V, 3]`` of a person of some size, heading and place, in the camera's space, with noise."""
        heading = rotation_matrix(np.array([0, generator.uniform(-0.6, 0.6), 0]))
        phase, pace = generator.uniform(0, 2 * np.pi), generator.uniform(0.05, 0.15)
        sway = 0.02 * np.sin(phase + pace * np.arange(len(joints)))[:, None, None] * np.array([1.0, 0.0, 0.5])
        place = np.array([generator.uniform(-0.5, 0.5), generator.uniform(-0.2, 0.2), generator.uniform(2.2, 4.0)])
        noise = generator.normal(0, self.noise, joints.shape)
        return generator.uniform(0.8, 1.2) * joints @ heading.T + sway + place + noise


def _to_coco(joints: np.ndarray) -> np.ndarray:
    """NTU joints ``[T, 25, 3]`` to COCO's ``[T, 17, 3]``."""
    face = joints[:, 3:4] + np.array(_COCO_FACE)
    return np.concatenate([face, joints[:, list(_COCO_BODY)]], axis=1)


def _project(joints: np.ndarray) -> np.ndarray:
    """Pinhole projection ``[..., 3]`` to pixels ``[..., 2]``: right and down, against x and y of the camera."""
    height, width = _IMAGE
    x, y, depth = np.moveaxis(joints, -1, 0)
    return np.stack([width / 2 - _FOCAL * x / depth, height / 2 - _FOCAL * y / depth], axis=-1)
