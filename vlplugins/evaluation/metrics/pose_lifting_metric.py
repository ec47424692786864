"""Metrics of pose lifting and of the diversity of poses."""

from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from mmengine.evaluator import BaseMetric

from vlplugins.evaluation.functional.pose_lifting import (
    angle_histograms,
    auc,
    average_pairwise_distance,
    joint_errors,
    pck,
)
from vlplugins.registry import METRICS, MODELS

_METRICS = ('mpjpe', 'pa-mpjpe', 'pck', 'auc')


def _numpy(value: Any) -> np.ndarray:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _unique(results: List[tuple]) -> List[tuple]:
    """Results by index, once each: a sampler may repeat samples to fill its last batch."""
    return [row for _, row in sorted({row[0]: row for row in results}.items())]


@METRICS.register_module()
class PoseLiftingMetric(BaseMetric):
    """MPJPE, PA-MPJPE, PCK and AUC of poses relative to the root.

    Distances are in millimetres with ``scale=1000``; means are over samples of the mean over joints. ``MPJPE`` counts
    the root with its error of 0 unless ``exclude_root``. With ``by_action``, ``MPJPE_action_avg`` is the mean of the
    means of the actions. Where samples come from several data sets, each has metrics under its name (``3dhp/MPJPE``).

    Args:
        metrics: Of ``'mpjpe'``, ``'pa-mpjpe'``, ``'pck'``, ``'auc'``.
        scale: From the unit of the poses to that of the result.
        thr: Threshold of PCK, and end of AUC.
        eval_joints: Joints that count; all by default.
        exclude_root: Leave the root out of what counts.
        by_action: Also average over actions.
        datasets: Names of the data sets to judge; all by default.
        collect_device: As in MMEngine.
        prefix: As in MMEngine.

    Raises:
        ValueError: an unknown metric, or no joint left.
    """

    default_prefix = None

    def __init__(
        self,
        metrics: Sequence[str] = _METRICS,
        scale: float = 1000.0,
        thr: float = 150.0,
        eval_joints: Optional[Sequence[int]] = None,
        exclude_root: bool = False,
        by_action: bool = False,
        datasets: Optional[Sequence[str]] = None,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        if not metrics or not set(metrics) <= set(_METRICS):
            raise ValueError(f'metrics {tuple(metrics)} must be among {_METRICS}')
        joints = list(range(16)) if eval_joints is None else list(eval_joints)
        self.joints = [joint for joint in joints if not (exclude_root and joint == 0)]
        if not self.joints:
            raise ValueError('no joint is left to judge')
        self.metrics, self.scale, self.thr, self.by_action = tuple(metrics), scale, thr, by_action
        self.datasets = None if datasets is None else set(datasets)

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep index, data set, action, prediction and truth of samples."""
        for sample in data_samples:
            name = sample.get('dataset', '')
            if self.datasets is not None and name not in self.datasets:
                continue
            predicted, target = (_numpy(sample[f'{key}_keypoints_3d']) for key in ('pred', 'gt'))
            key = (name, sample.get('sample_idx', len(self.results)))
            self.results.append((key, sample.get('action', ''), predicted - predicted[:1], target - target[:1]))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """Metrics of each data set."""
        results = _unique(results)
        names = list(dict.fromkeys(key[0] for key, *_ in results))
        found: Dict[str, float] = {}
        for name in names:
            rows = [row for row in results if row[0][0] == name]
            predicted, target = (np.stack([row[index] for row in rows]) * self.scale for index in (2, 3))
            values = self.calculate(predicted, target, [row[1] for row in rows])
            found.update({f'{name}/{key}' if len(names) > 1 else key: value for key, value in values.items()})
        return found

    def calculate(self, predicted: np.ndarray, target: np.ndarray, actions: Sequence[str] = ()) -> Dict[str, float]:
        """Metrics of poses ``[N, V, 3]`` relative to the root, in the unit of the result."""
        errors = joint_errors(predicted, target, self.joints)
        values: Dict[str, float] = {}
        if 'mpjpe' in self.metrics:
            by_pose = errors.mean(axis=1)
            values['MPJPE'] = float(by_pose.mean())
            if self.by_action:
                names = np.array(actions)
                means = [by_pose[names == name].mean() for name in sorted(set(actions))]
                values['MPJPE_action_avg'] = float(np.mean(means))
        if 'pa-mpjpe' in self.metrics:
            values['PA-MPJPE'] = float(joint_errors(predicted, target, self.joints, align=True).mean())
        if 'pck' in self.metrics:
            values['PCK'] = pck(errors, self.thr)
        if 'auc' in self.metrics:
            values['AUC'] = auc(errors, self.thr)
        return values


@METRICS.register_module()
class PoseDiversityMetric(BaseMetric):
    """How different the true poses of data sets are: of seeds and of what is generated from them (our definition).

    Poses are turned to one torso and scaled to bones of mean length 1 (then by ``bone_length``, to be read in
    millimetres). ``APD``: mean distance of joints over pairs of poses; ``angle_entropy`` and ``coverage``: how the
    angles of movable bones fill their limits; ``invalid_rate``: share of poses with a movable angle outside. As many
    poses of each set are compared; ``APD_ratio`` is that of the first data set over that of the second.

    Args:
        datasets: Names of the data sets; all by default.
        codec: Config of the codec, with the limits.
        bone_length: Mean length of a bone in millimetres.
        max_poses: Poses of each set.
        collect_device: As in MMEngine.
        prefix: As in MMEngine.
    """

    default_prefix = None

    def __init__(
        self,
        datasets: Optional[Sequence[str]] = None,
        codec: Optional[Dict[str, Any]] = None,
        bone_length: float = 260.0,
        max_poses: int = 1000,
        collect_device: str = 'cpu',
        prefix: Optional[str] = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.datasets = None if datasets is None else list(datasets)
        self.codec = MODELS.build(codec or dict(type='vlplugins.LocalSphericalCodec'))
        self.bone_length, self.max_poses = bone_length, max_poses

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep index, data set and true pose of samples."""
        for sample in data_samples:
            name = sample.get('dataset', '')
            if self.datasets is None or name in self.datasets:
                key = (name, sample.get('sample_idx', len(self.results)))
                self.results.append((key, _numpy(sample['gt_keypoints_3d'])))

    def compute_metrics(self, results: List[tuple]) -> Dict[str, float]:
        """Diversity of each data set, and the ratio of the first two."""
        results = _unique(results)
        names = self.datasets or list(dict.fromkeys(key[0] for key, _ in results))
        by_name = {name: [row[1] for row in results if row[0][0] == name] for name in names}
        count = min([self.max_poses, *(len(poses) for poses in by_name.values())])
        found: Dict[str, float] = {}
        for name, poses in by_name.items():
            # Evenly over the set, whose neighbours may be alike.
            rows = np.linspace(0, len(poses) - 1, count).astype(int)
            values = self.calculate(np.stack([poses[row] for row in rows])) if count else {}
            found.update({f'{name}/{key}': value for key, value in values.items()})
        if len(names) > 1 and count > 1:
            first, second = (found[f'{name}/APD'] for name in names[:2])
            found['APD_ratio'] = first / max(second, 1e-9)
        return found

    def calculate(self, poses: np.ndarray) -> Dict[str, float]:
        """Diversity of poses ``[N, 16, 3]``."""
        tensor = torch.as_tensor(poses, dtype=torch.float32)
        encoded = self.codec.encode(tensor)
        turned = (tensor - tensor[:, :1]) @ encoded.frames[:, 0]
        turned = turned / encoded.lengths.mean(dim=1)[:, None, None] * self.bone_length
        low, high = self.codec.movable_limits
        angles = self.codec.movable_angles(encoded.angles)
        outside = ((angles < low - 1e-4) | (angles > high + 1e-4)).any(dim=1)
        shaped = [each.reshape(*each.shape[:-1], -1, 2).numpy() for each in (angles, low, high)]
        return dict(
            APD=average_pairwise_distance(turned.numpy(), self.max_poses),
            **angle_histograms(*shaped),
            invalid_rate=float(outside.float().mean()),
        )
