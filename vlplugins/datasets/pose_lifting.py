"""Pairs of poses on the screen and in space, held as arrays."""

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from vlplugins.registry import DATASETS
from vlplugins.structures.skeleton_layout import H36M16
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz

COMMON_KEYS = ('pose3d', 'pose2d')
_FLIP_INDICES = H36M16.flip_indices
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


@DATASETS.register_module()
class PoseLiftingDataset(BaseDataset):
    """Poses on the screen with their poses in space, from the common file (see :func:`read_common`).

    A record has what the data sets of mmpose give (``keypoints [1, V, 2]`` in pixels, ``keypoints_visible``,
    ``lifting_target [1, V, 3]`` in metres in camera space, ``lifting_target_visible``, ``camera_param``,
    ``target_img_path``, ``flip_indices``, ``id``, ``category_id``), so that mmpose's transforms and lifters take it,
    and ``dataset``, ``subject``, ``action``, ``source``, ``image_size``, ``camera`` (``[9]``, screen units).

    Args:
        ann_file: The file.
        subjects: Subjects to keep; all by default.
        num_seeds: Keep so many different poses, each from all cameras.
        seed: Seed of that choice.
        name: Name of the set in metrics; that of the class by default.
        cache: Keep what the pipeline makes of a record; for pipelines without randomness and sets that fit in memory.
        pipeline: Transforms.
        kwargs: Further arguments of MMEngine's ``BaseDataset``.

    Raises:
        RecordError: a file of another layout, joints that are not finite, a bone without length, unknown subjects, or
            fewer poses than ``num_seeds``.
    """

    METAINFO = dict(layout='h36m16')

    def __init__(
        self,
        ann_file: str,
        subjects: Optional[Sequence[str]] = None,
        num_seeds: Optional[int] = None,
        seed: int = 0,
        name: Optional[str] = None,
        cache: bool = False,
        pipeline: Sequence[Union[dict, Callable]] = (),
        **kwargs: Any,
    ) -> None:
        self.subjects, self.num_seeds, self.seed = subjects, num_seeds, seed
        self.name = name or type(self).__name__.removesuffix('LiftingDataset').lower()
        self.table: Optional[PoseTable] = None
        self.cached: Optional[Dict[int, Any]] = {} if cache else None
        # Rows are numbers; the arrays are shared by worker processes as they are.
        super().__init__(ann_file=ann_file, pipeline=list(pipeline), serialize_data=False, **kwargs)

    def read(self) -> PoseTable:
        """Read all poses of the file."""
        return read_common(self.ann_file)

    def load_data_list(self) -> List[int]:
        """Read and check the file; returns the numbers of the rows."""
        table = self.read()
        check_table(table, self.ann_file)
        if self.subjects is not None:
            unknown = sorted(set(self.subjects) - set(table.subject.tolist()))
            if unknown:
                found = sorted(set(table.subject.tolist()))
                raise RecordError(self.ann_file, f'the subjects {found}', f'among them {unknown}')
            table = table[np.isin(table.subject, list(self.subjects))]
        if self.num_seeds is not None:
            table = table[self._choose_seeds(table)]
        self.table = table
        self.cameras = None if table.camera is None else screen_cameras(table.camera, table.image_size)
        print_log(f'{self.name}: {len(table)} poses of {len(set(table.subject.tolist()))} subjects', logger='current')
        return list(range(len(table)))

    def _choose_seeds(self, table: PoseTable) -> np.ndarray:
        """Rows of ``num_seeds`` poses; the views of a frame are one pose."""
        keys = np.array([f'{s}/{a}/{f}' for s, a, f in zip(table.subject, table.action, table.frame)])
        names, pose_of_row = np.unique(keys, return_inverse=True)
        if not 1 <= self.num_seeds <= len(names):
            raise RecordError(self.ann_file, f'{len(names)} different poses', f'num_seeds {self.num_seeds} of them')
        chosen = np.random.default_rng(self.seed).permutation(len(names))[: self.num_seeds]
        return np.flatnonzero(np.isin(pose_of_row, chosen))

    def prepare_data(self, idx: int) -> Any:
        """What the pipeline makes of a record."""
        if self.cached is None:
            return super().prepare_data(idx)
        if idx not in self.cached:
            self.cached[idx] = super().prepare_data(idx)
        # Its own dict: a batch may be changed on its way.
        return dict(self.cached[idx])

    def get_data_info(self, idx: int) -> Dict[str, Any]:
        """The record of an index."""
        row = self.data_list[idx]
        table = self.table
        width, height = table.image_size[row].tolist()
        record = dict(
            sample_idx=idx,
            id=row,
            category_id=1,
            keypoints=table.pose2d[row][None],
            keypoints_visible=np.ones((1, table.pose2d.shape[1]), dtype=np.float32),
            lifting_target=table.pose3d[row][None],
            lifting_target_visible=np.ones((1, table.pose3d.shape[1]), dtype=np.float32),
            image_size=(width, height),
            flip_indices=list(_FLIP_INDICES),
            dataset=self.name,
            subject=str(table.subject[row]),
            action=str(table.action[row]),
            source=f'{self.ann_file}, {table.name_of(row)}',
            # mmpose's codec takes the size of the picture from here, also where the rest is not known.
            camera_param=dict(w=width, h=height),
            # Where mmpose's metric reads the action from.
            target_img_path=[f'{table.subject[row]}_{table.action[row]}.0_{int(table.frame[row]):06d}.jpg'],
        )
        if table.camera is not None:
            camera = table.camera[row]
            record['camera'] = self.cameras[row]
            record['camera_param'].update(
                f=camera[:2, None], c=camera[2:4, None], k=camera[4:7, None], p=camera[7:, None]
            )
        return record

    def seed_poses(self) -> Tuple[np.ndarray, np.ndarray]:
        """Poses ``[N, 16, 3]`` in camera space and their cameras ``[N, 9]`` in screen units, for a seed bank.

        Raises:
            RecordError: the cameras are not known.
        """
        self.full_init()
        rows = np.asarray(self.data_list)
        if self.table.camera is None:
            raise RecordError(self.ann_file, 'poses without cameras', 'cameras, to make seed poses of them')
        return self.table.pose3d[rows], self.cameras[rows]
