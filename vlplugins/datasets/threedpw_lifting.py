"""3DPW as a test set of pose lifting."""

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
from mmengine.logging import print_log

from vlplugins.datasets.formats.pose_table import PoseTable
from vlplugins.datasets.pose_lifting import PoseLiftingDataset
from vlplugins.registry import DATASETS
from vlplugins.structures.skeleton_layout import SkeletonLayout, convert_joints
from vlplugins.utils import safe_pickle
from vlplugins.utils.records import RecordError, SkipCounter

# Of the 24 joints of SMPL those that stand nearest to the 16 of Human3.6M (inferred; the regressor of Human3.6M's
# joints needs the body model, and gives places some centimetres off these).
JOINTS_OF_SMPL = (0, 2, 5, 8, 1, 4, 7, 6, 12, 15, 16, 18, 20, 17, 19, 21)
_KEYS = ('sequence', 'img_frame_ids', 'jointPositions', 'cam_poses', 'cam_intrinsics', 'campose_valid')
# COCO with a neck at index 1, as OpenPose has it.
COCO18 = SkeletonLayout(
    'coco18',
    joints=(
        *('nose', 'thorax', 'right_shoulder', 'right_elbow', 'right_wrist'),
        *('left_shoulder', 'left_elbow', 'left_wrist', 'right_hip', 'right_knee', 'right_ankle'),
        *('left_hip', 'left_knee', 'left_ankle', 'right_eye', 'left_eye', 'right_ear', 'left_ear'),
    ),
    parents=(1, 1, 1, 2, 3, 1, 5, 6, 1, 8, 9, 1, 11, 12, 0, 0, 14, 15),
)


def read_sequence(path: Path) -> Dict[str, Any]:
    """Read a sequence, written by Python 2.

    Raises:
        RecordError: a missing key.
    """
    content = safe_pickle.load(path, encoding='latin1')
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise RecordError(path, f'no {missing}', f'the keys {_KEYS}')
    return content


@DATASETS.register_module()
class ThreeDPWLiftingDataset(PoseLiftingDataset):
    """3DPW: a folder of sequences (``sequenceFiles/test``), each a pickle, without the body model.

    Poses are the joints of SMPL that stand nearest to those of Human3.6M; results are therefore not those of papers
    that use the regressor of Human3.6M's joints. Frames without a valid camera are left out, and counted.

    Args:
        ann_file: The folder.
        keypoint_2d_src: ``'gt'``: the joints projected by the camera; ``'detection'``: ``poses2d`` of the file,
            converted;
            frames with an undetected joint are left out, and counted.
        kwargs: Arguments of :class:`PoseLiftingDataset`.

    Raises:
        RecordError: no sequence, or one of another layout.
        ValueError: an unknown source.
    """

    def __init__(self, ann_file: str, keypoint_2d_src: str = 'gt', **kwargs: Any) -> None:
        if keypoint_2d_src not in ('gt', 'detection'):
            raise ValueError(f"keypoint_2d_src {keypoint_2d_src!r} must be 'gt' or 'detection'")
        self.keypoint_2d_src = keypoint_2d_src
        kwargs.setdefault('name', '3dpw')
        super().__init__(ann_file=ann_file, **kwargs)

    def read(self) -> PoseTable:
        """Read all sequences."""
        paths = sorted(Path(self.ann_file).glob('*.pkl'))
        if not paths:
            raise RecordError(self.ann_file, 'no .pkl file', 'the folder of the sequences')
        self.left_out = SkipCounter('poses')
        self.num_sequences_skipped = 0
        tables: List[PoseTable] = []
        for path in paths:
            found = [table for table in self._people(path) if len(table)]
            if not found:
                self.num_sequences_skipped += 1
                print_log(f'{path}: no frame with a valid camera; skipped', logger='current')
            tables += found
        self.left_out.log()
        if not tables:
            raise RecordError(self.ann_file, f'{len(paths)} sequences without a valid frame', 'valid frames')
        return PoseTable.join(tables)

    def _people(self, path: Path) -> List[PoseTable]:
        content = read_sequence(path)
        poses = np.asarray(content['cam_poses'], dtype=np.float64)
        tables = []
        for person, positions in enumerate(content['jointPositions']):
            world = np.asarray(positions, dtype=np.float64).reshape(len(positions), -1, 3)
            if world.shape[1] != 24 or len(world) != len(poses):
                found = f'{world.shape[1]} joints in {len(world)} frames, and {len(poses)} cameras'
                raise RecordError(path, found, '24 joints of SMPL, a camera a frame', f'person {person}')
            points = np.einsum('tij,tvj->tvi', poses[:, :3, :3], world) + poses[:, None, :3, 3]
            valid = np.asarray(content['campose_valid'][person]).astype(bool)
            self._count('without a valid camera', int((~valid).sum()))
            tables.append(self._table(content, person, points[:, list(JOINTS_OF_SMPL)], valid))
        return tables

    def _count(self, reason: str, number: int) -> None:
        for _ in range(number):
            self.left_out.add(reason)

    def _table(self, content: Dict[str, Any], person: int, points: np.ndarray, valid: np.ndarray) -> PoseTable:
        matrix = np.asarray(content['cam_intrinsics'], dtype=np.float64)
        pixels = points[..., :2] / points[..., 2:] * matrix[[0, 1], [0, 1]] + matrix[:2, 2]
        if self.keypoint_2d_src == 'detection':
            detected = np.asarray(content['poses2d'][person], dtype=np.float64).transpose(0, 2, 1)
            pixels = convert_joints(detected[..., :2], COCO18, 'h36m16')
            seen = (detected[..., 2] > 0).all(axis=1)
            self._count('with an undetected joint', int((valid & ~seen).sum()))
            valid = valid & seen
        camera = np.concatenate([matrix[[0, 1], [0, 1]], matrix[:2, 2], np.zeros(5)])
        count = int(valid.sum())
        # The files give no size; the principal point is the middle of the picture.
        size = 2 * matrix[:2, 2]
        name = str(content['sequence'])
        return PoseTable(
            pose3d=points[valid].astype(np.float32),
            pose2d=pixels[valid].astype(np.float32),
            image_size=np.tile(size, (count, 1)).astype(np.float32),
            camera=np.tile(camera, (count, 1)).astype(np.float32),
            subject=np.full(count, f'{name}#{person}'),
            action=np.full(count, name),
            frame=np.asarray(content['img_frame_ids'])[valid],
        )
