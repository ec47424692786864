"""Tables of poses on the screen and in space, and the common file that holds one."""

from dataclasses import dataclass
from typing import Any, Optional, Sequence

import numpy as np

from vlplugins.structures.skeleton_layout import H36M16
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz

COMMON_KEYS = ('pose3d', 'pose2d')
_OPTIONAL = ('camera', 'image_size', 'subject', 'action', 'frame')


@dataclass
class PoseTable:
    """Poses of a data set, one a row.

    Attributes:
        pose3d: ``[N, V, 3]`` metres in camera space: x right, y down, z forward.
        pose2d: ``[N, V, 2]`` pixels.
        image_size: ``[N, 2]``, width and height in pixels.
        camera: ``[N, 9]``: focal lengths, centre (pixels), radial and tangential coefficients; ``None`` if unknown.
        subject: ``[N]`` names.
        action: ``[N]`` names.
        frame: ``[N]`` numbers.
    """

    pose3d: np.ndarray
    pose2d: np.ndarray
    image_size: np.ndarray
    camera: Optional[np.ndarray]
    subject: np.ndarray
    action: np.ndarray
    frame: np.ndarray

    def __len__(self) -> int:
        return len(self.pose3d)

    def __getitem__(self, rows: Any) -> 'PoseTable':
        return PoseTable(**{name: None if value is None else value[rows] for name, value in vars(self).items()})

    def name_of(self, row: int) -> str:
        """Subject, action and frame of a row, for messages."""
        return f'{self.subject[row]}/{self.action[row]}, frame {self.frame[row]}'

    @staticmethod
    def join(tables: Sequence['PoseTable']) -> 'PoseTable':
        """The rows of several tables."""
        fields = {}
        for name in vars(tables[0]):
            values = [getattr(table, name) for table in tables]
            fields[name] = None if any(value is None for value in values) else np.concatenate(values)
        return PoseTable(**fields)


def check_table(table: PoseTable, file: str, num_joints: int = 16) -> None:
    """Check shapes, that joints are finite, and that no bone is without length.

    Raises:
        RecordError: file, subject, action and frame of the first bad row.
    """
    for name, size in (('pose3d', 3), ('pose2d', 2)):
        values = getattr(table, name)
        if values.ndim != 3 or values.shape[1:] != (num_joints, size):
            rule = ' (of 17 joints of Human3.6M leave out index 9)' if values.shape[1:2] == (17,) else ''
            raise RecordError(file, f'{name} {values.shape}{rule}', f'[N, {num_joints}, {size}]')
        bad = ~np.isfinite(values).all(axis=2)
        if bad.any():
            row, joint = np.argwhere(bad)[0]
            raise RecordError(file, f'joint {joint} of {name} is {values[row, joint]}', 'numbers', table.name_of(row))
    if num_joints == H36M16.num_joints:
        child, parent = np.array(H36M16.bones).T
        lengths = np.linalg.norm(table.pose3d[:, child] - table.pose3d[:, parent], axis=2)
        if (lengths < 1e-6).any():
            row, bone = np.argwhere(lengths < 1e-6)[0]
            names = f'{H36M16.joints[parent[bone]]} to {H36M16.joints[child[bone]]}'
            raise RecordError(file, f'bone {bone} ({names}) has no length', 'at least 1e-6 m', table.name_of(row))


def screen_cameras(camera: np.ndarray, image_size: np.ndarray) -> np.ndarray:
    """Cameras ``[N, 9]`` of pixels to screen units: the width spans -1..1."""
    width, height = image_size[:, :1], image_size[:, 1:]
    centre = 2 * camera[:, 2:4] / width - np.concatenate([np.ones_like(width), height / width], axis=1)
    return np.concatenate([2 * camera[:, :2] / width, centre, camera[:, 4:]], axis=1).astype(np.float32)


def project_pixels(points: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Pixels ``[N, V, 2]`` of points ``[N, V, 3]`` by cameras ``[N, 9]``, as ``project_to_2d`` of the generator."""
    focal, centre, radial, tangential = np.split(camera[:, None], (2, 4, 7), axis=2)
    flat = np.clip(points[..., :2] / points[..., 2:], -1, 1)
    square = (flat**2).sum(axis=2, keepdims=True)
    powers = np.concatenate([square, square**2, square**3], axis=2)
    factor = 1 + (radial * powers).sum(axis=2, keepdims=True) + (tangential * flat).sum(axis=2, keepdims=True)
    return focal * (flat * factor + tangential * square) + centre


def read_common(path: str) -> PoseTable:
    """Read the common file of pose lifting.

    Keys: ``pose3d [N, 16, 3]`` (metres in camera space) and ``pose2d [N, 16, 2]``; optional are ``camera [N, 9]``,
    ``image_size [N, 2]``, ``subject``, ``action`` and ``frame`` ``[N]``. Without ``image_size``, ``pose2d`` is in
    screen coordinates (width -1..1), as in PoseAug's ``test_3dhp.npz``; it counts as pixels of a picture of 2 x 2 then.

    Raises:
        RecordError: a missing key, or counts that differ.
    """
    content = load_npz(path)
    if not set(COMMON_KEYS) <= set(content):
        raise RecordError(path, f'the keys {sorted(content)}', f'at least {COMMON_KEYS}')
    pose3d, pose2d = (np.asarray(content[key], dtype=np.float32) for key in COMMON_KEYS)
    counts = {key: len(content[key]) for key in (*COMMON_KEYS, *_OPTIONAL) if key in content}
    if len(set(counts.values())) != 1:
        raise RecordError(path, f'counts of rows {counts}', 'one count')
    count = len(pose3d)
    if 'image_size' not in content:
        pose2d = pose2d + 1
    return PoseTable(
        pose3d=pose3d,
        pose2d=pose2d,
        image_size=np.asarray(content.get('image_size', np.full((count, 2), 2)), dtype=np.float32),
        camera=np.asarray(content['camera'], dtype=np.float32) if 'camera' in content else None,
        subject=np.asarray(content.get('subject', np.full(count, 'unknown'))),
        action=np.asarray(content.get('action', np.full(count, 'unknown'))),
        frame=np.asarray(content.get('frame', np.arange(count))),
    )
