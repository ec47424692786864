"""Pairs of poses on the screen and in space, held as arrays."""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from vlplugins.datasets.formats.pose_table import PoseTable, check_table, read_common, screen_cameras
from vlplugins.registry import DATASETS
from vlplugins.structures.skeleton_layout import H36M16
from vlplugins.utils.records import RecordError

_FLIP_INDICES = H36M16.flip_indices


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
