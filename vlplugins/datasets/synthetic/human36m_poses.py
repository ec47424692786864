"""Moving bodies seen by four cameras, in the files that mmpose's ``Human36mDataset`` reads."""

import pickle
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

import numpy as np

from vlplugins.datasets.synthetic.base import SyntheticDataset
from vlplugins.datasets.synthetic.kinematics import forward_kinematics, rotation_matrix
from vlplugins.registry import TASK_UTILS

# The 17 joints of Human3.6M: parent, and offset in metres of a person of average size in the rest pose (x to the
# right of the body, y to the front, z up).
_PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15)
_OFFSETS = (
    (0, 0, 0.93),
    (0.13, 0, 0), (0, 0, -0.45), (0, 0, -0.44),
    (-0.13, 0, 0), (0, 0, -0.45), (0, 0, -0.44),
    (0, 0, 0.23), (0, 0, 0.25), (0, 0.03, 0.1), (0, -0.01, 0.11),
    (-0.15, 0, 0), (0, 0, -0.28), (0, 0, -0.25),
    (0.15, 0, 0), (0, 0, -0.28), (0, 0, -0.25),
)  # fmt: skip
# Size and shape of the cameras of Human3.6M: name, width, height. They look inwards from the corners of the room.
_CAMERAS = (('54138969', 1000, 1002), ('55011271', 1000, 1000), ('58860488', 1000, 1000), ('60457274', 1000, 1002))
_FOCAL, _CENTRE = (1145.0, 1144.0), (512.5, 508.0)
_RADIAL, _TANGENTIAL = (-0.2, 0.24, -0.002), (-0.001, -0.001)

# Mean and amplitude of the angles of each action, radians: hip swing, knee bend, arm swing, arm spread, elbow bend.
# Knees and elbows bend one way only.
_ACTIONS: Dict[str, Tuple[Tuple[float, ...], Tuple[float, ...]]] = {
    'Directions': ((0.05, 0.1, 0.7, 0.4, 0.8), (0.1, 0.1, 0.8, 0.4, 0.7)),
    'Walking': ((0.0, 0.45, 0.0, 0.1, 0.4), (0.5, 0.4, 0.5, 0.1, 0.3)),
    'Sitting': ((1.4, 1.5, 0.4, 0.2, 0.9), (0.15, 0.2, 0.4, 0.2, 0.6)),
}


@TASK_UTILS.register_module()
class SyntheticHuman36m(SyntheticDataset):
    """Writes 2D and 3D poses of a few people and actions in the layout that mmpose's converter makes of Human3.6M.

    Signal: bones have the same length in all frames of a person, knees and elbows bend one way, and every action has
    its own range of angles; so the depth of a joint follows from its 2D place. 2D points are the exact projection
    (with the lens distortion) of the 3D joints, hence nothing else carries the answer. Angles, body size, heading and
    place are drawn anew for each sequence. Chance is the mean training pose (some 0.2 m of MPJPE, see the test);
    a perfect model scores 0. The people of the test set are not in the training set.

    Layout: ``annotation_body3d/cameras.pkl`` (``{(subject, camera): dict(R, T, c, f, k, p, w, h, name, id)}``, ``R``
    and ``T`` from camera to world), ``annotation_body3d/fps50/h36m_{train,test}.npz`` with ``imgname``, ``center
    [N, 2]``, ``scale [N]``, ``part [N, 17, 3]`` (pixels, visibility), ``S [N, 17, 4]`` (metres in the camera's space,
    visibility), and ``joint{2d,3d}[_rel]_stats.pkl`` with mean and deviation of the training set. There are no
    images: lifting reads none.

    Args:
        root: Folder of the set.
        train_subjects: Subjects of the training set, of S1 to S11.
        test_subjects: Subjects of the test set; none of the training set.
        actions: Actions, of :attr:`ACTIONS`; each subject performs each twice.
        num_frames: Frames of a sequence (50 a second).
        seed: Seed of all random choices.
    """

    ACTIONS = tuple(_ACTIONS)

    def __init__(
        self,
        root: str,
        train_subjects: Sequence[str] = ('S1', 'S5', 'S6', 'S7', 'S8'),
        test_subjects: Sequence[str] = ('S9', 'S11'),
        actions: Sequence[str] = ('Directions', 'Walking', 'Sitting'),
        num_frames: int = 50,
        seed: int = 0,
    ) -> None:
        super().__init__(root, seed)
        known = {f'S{number}' for number in range(1, 12)}
        if not train_subjects or not test_subjects or not {*train_subjects, *test_subjects} <= known:
            raise ValueError(f'subjects {tuple(train_subjects)} and {tuple(test_subjects)} must be among S1 to S11')
        if set(train_subjects) & set(test_subjects):
            raise ValueError(f'{sorted(set(train_subjects) & set(test_subjects))} are in both sets')
        if not actions or not set(actions) <= set(_ACTIONS):
            raise ValueError(f'actions {tuple(actions)} must be among {self.ACTIONS}')
        if num_frames < 2:
            raise ValueError(f'num_frames {num_frames} must be at least 2')
        self.train_subjects, self.test_subjects = tuple(train_subjects), tuple(test_subjects)
        self.actions, self.num_frames = tuple(actions), num_frames

    def write(self, folder: Path) -> None:
        """Write cameras, annotations and statistics."""
        out = folder / 'annotation_body3d' / 'fps50'
        out.mkdir(parents=True)
        cameras = self._cameras()
        _dump(cameras, out.parent / 'cameras.pkl')
        for split, subjects in (('train', self.train_subjects), ('test', self.test_subjects)):
            parts = [part for subject in subjects for part in self._subject(subject, cameras)]
            arrays = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
            np.savez(out / f'h36m_{split}.npz', **arrays)
            if split == 'train':
                _write_statistics(arrays, out)

    def _cameras(self) -> Dict[Tuple[str, str], dict]:
        """Cameras of each subject's room: at its corners, 1.4 to 1.8 m high, aimed at the middle."""
        cameras = {}
        generator = np.random.default_rng([self.seed, 0])
        for subject in (f'S{number}' for number in range(1, 12)):
            for index, (name, width, height) in enumerate(_CAMERAS):
                angle = np.pi / 4 + index * np.pi / 2 + generator.uniform(-0.2, 0.2)
                centre = np.array([4.5 * np.cos(angle), 4.5 * np.sin(angle), generator.uniform(1.4, 1.8)])
                cameras[subject, name] = dict(
                    R=_looking_at(centre, np.array([0, 0, 0.9])),
                    T=centre[:, None],
                    c=np.array(_CENTRE)[:, None],
                    f=np.array(_FOCAL)[:, None],
                    k=np.array(_RADIAL)[:, None],
                    p=np.array(_TANGENTIAL)[:, None],
                    w=width,
                    h=height,
                    name=f'camera{index + 1}',
                    id=name,
                )
        return cameras

    def _subject(self, subject: str, cameras: dict) -> List[Dict[str, np.ndarray]]:
        """The records of a subject: one dict of arrays for each sequence and camera."""
        generator = np.random.default_rng([self.seed, int(subject[1:])])
        size = generator.uniform(0.9, 1.1)
        parts = []
        for action in self.actions:
            for take in ('', '_1'):
                world = self._sequence(action, size, generator)
                for name, *_ in _CAMERAS:
                    sequence = f'{subject}_{action}{take}.{name}'
                    parts.append(_record(world, cameras[subject, name], f'{subject}/{sequence}/{sequence}'))
        return parts

    def _sequence(self, action: str, size: float, generator: np.random.Generator) -> np.ndarray:
        """A person who moves and slowly walks about: joints ``[T, 17, 3]`` in the world, metres."""
        mean, amplitude = (np.array(values) for values in _ACTIONS[action])
        time = np.arange(self.num_frames) / 50
        phase = generator.uniform(0, 2 * np.pi, (5, 1))
        waves = np.sin(2 * np.pi * generator.uniform(0.5, 1.2) * time + phase)
        # Both sides have the angles of the action; the left one is half a period behind.
        rotations: Dict[int, np.ndarray] = {}
        for side, (hip, knee, shoulder, elbow) in ((1, (1, 2, 14, 15)), (-1, (4, 5, 11, 12))):
            swing, bend, arm, spread, fold = mean[:, None] + side * amplitude[:, None] * waves
            zero = np.zeros_like(swing)
            rotations[hip] = np.stack([swing, zero, zero], axis=1)
            rotations[knee] = np.stack([-np.maximum(bend, 0), zero, zero], axis=1)
            rotations[shoulder] = np.stack([arm, -side * np.maximum(spread, 0), zero], axis=1)
            rotations[elbow] = np.stack([np.maximum(fold, 0), zero, zero], axis=1)
        lean = generator.uniform(-0.15, 0.15, 3) * (1, 1, 2)
        rotations[7] = np.tile(lean, (self.num_frames, 1))
        joints = forward_kinematics(_PARENTS, np.array(_OFFSETS), rotations, self.num_frames) * size
        # The lower ankle is as high as in the rest pose.
        joints[..., 2] += (0.04 * size - joints[:, (3, 6), 2].min(axis=1))[:, None]
        heading = rotation_matrix(np.array([0, 0, generator.uniform(-np.pi, np.pi)]))
        path = generator.uniform(-0.5, 0.5, 2) + time[:, None] * generator.uniform(-0.3, 0.3, 2)
        return joints @ heading.T + np.pad(path, ((0, 0), (0, 1)))[:, None]


def world_to_camera(points: np.ndarray, camera: dict) -> np.ndarray:
    """Points ``[..., 3]`` of the world in the space of a camera (x right, y down, z forward), metres."""
    return (points - camera['T'][:, 0]) @ camera['R']


def project(points: np.ndarray, camera: dict) -> np.ndarray:
    """Pixels ``[..., 2]`` of points ``[..., 3]`` in the camera's space, with radial and tangential distortion."""
    x, y = points[..., 0] / points[..., 2], points[..., 1] / points[..., 2]
    square = x**2 + y**2
    k, p = camera['k'][:, 0], camera['p'][:, 0]
    radial = 1 + k[0] * square + k[1] * square**2 + k[2] * square**3
    shift_x = 2 * p[0] * x * y + p[1] * (square + 2 * x**2)
    shift_y = p[0] * (square + 2 * y**2) + 2 * p[1] * x * y
    distorted = np.stack([x * radial + shift_x, y * radial + shift_y], axis=-1)
    return distorted * camera['f'][:, 0] + camera['c'][:, 0]


def _looking_at(centre: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rotation ``[3, 3]`` from the camera's space to the world; its columns are right, down and forward."""
    forward = (target - centre) / np.linalg.norm(target - centre)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward], axis=1)


def _record(world: np.ndarray, camera: dict, prefix: str) -> Dict[str, np.ndarray]:
    """The arrays of a sequence as one camera sees it."""
    points = world_to_camera(world, camera)
    pixels = project(points, camera)
    ones = np.ones((*points.shape[:2], 1))
    low, high = pixels.min(axis=1), pixels.max(axis=1)
    return dict(
        imgname=np.array([f'{prefix}_{frame + 1:06d}.jpg' for frame in range(len(world))]),
        center=(low + high) / 2,
        scale=1.2 * (high - low).max(axis=1) / 200,
        part=np.concatenate([pixels, ones], axis=2),
        S=np.concatenate([points, ones], axis=2),
    )


def _write_statistics(arrays: Dict[str, np.ndarray], folder: Path) -> None:
    """Mean and deviation of the training poses, absolute and relative to the root (without it)."""
    for key, name in (('S', 'joint3d'), ('part', 'joint2d')):
        points = arrays[key][..., :-1]
        relative = points[:, 1:] - points[:, :1]
        for values, suffix in ((points, ''), (relative, '_rel')):
            _dump(dict(mean=values.mean(axis=0), std=values.std(axis=0)), folder / f'{name}{suffix}_stats.pkl')


def _dump(content: object, path: Path) -> None:
    with open(path, 'wb') as file:
        pickle.dump(content, file)
