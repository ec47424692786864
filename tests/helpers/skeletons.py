"""Small skeleton sequences for tests."""

from typing import Any, Dict, Optional

import numpy as np

from vlplugins.datasets.synthetic.kinematics import forward_kinematics, rotation_matrix
from vlplugins.datasets.synthetic.skeleton_actions import PERSON_OFFSETS, PERSON_PARENTS
from vlplugins.datasets.transforms import BodyFrameNormalize, SanitizeSkeleton
from vlplugins.structures.skeleton_layout import convert_joints


def person(frames: int = 20, lift: float = 0.05, joint: int = 8, turn: tuple = (1.2, 0, 0)) -> np.ndarray:
    """A walking person ``[T, 25, 3]`` in metres, 3 m from the camera, whose left shoulder is ``lift`` metres higher."""
    offsets = np.array(PERSON_OFFSETS, dtype=float)
    offsets[4, 1] += lift
    swing = np.sin(np.linspace(0, np.pi, frames))[:, None] * np.array(turn)
    points = forward_kinematics(PERSON_PARENTS, offsets, {joint: swing}, frames)
    return points + np.array([0.2, 0.1, 3.0]) + np.linspace(0, 0.3, frames)[:, None, None] * np.array([1.0, 0.0, 0.5])


def record(points: np.ndarray, **items: Any) -> Dict[str, Any]:
    """A record as a data set gives it, of ``[T, V, 3]`` or ``[M, T, V, 3]``."""
    points = points[None] if points.ndim == 3 else points
    return dict(keypoint=points.copy(), frame_dir='clip', label=0, ann_file='file.pkl', **items)


def clean(points: np.ndarray, normalize: Optional[dict] = None, **items: Any) -> Dict[str, Any]:
    """The record after cleaning and normalisation."""
    results = SanitizeSkeleton()(record(points, **items))
    return BodyFrameNormalize(**(normalize or {}))(results)


def turned(points: np.ndarray, vector: tuple, scale: float = 1.0, shift: tuple = (0, 0, 0)) -> np.ndarray:
    """The same points seen from elsewhere."""
    return scale * points @ rotation_matrix(np.array(vector, dtype=float)).T + np.array(shift)


def packed_skeletons(cfg: Any) -> Dict[str, Any]:
    """A batch of two clips as the training pipeline of a config packs them."""
    from mmengine.dataset import Compose, pseudo_collate

    from vlplugins.utils.pipelines import list_steps

    dataset = cfg.train_dataloader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    pipeline = Compose(list_steps(dataset.pipeline))
    points = np.stack([person(70, turn=(1.5, 0, 0)), person(70, turn=(0.3, 0, 0)) + [1.0, 0, 0]])
    if dataset.get('layout') == 'kinect20':
        points = convert_joints(points, 'ntu25', 'kinect20')
    clips = [points[:1], points]
    return pseudo_collate([pipeline(record(each.astype(np.float32), total_frames=70)) for each in clips])
