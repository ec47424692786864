"""Transforms of pose lifting."""

from typing import Any, Dict, Sequence, Union

import numpy as np
import torch
from mmcv.transforms import BaseTransform

from vlplugins.datasets.formats.pose_table import project_pixels
from vlplugins.registry import TRANSFORMS
from vlplugins.structures.pose_lifting_data_sample import PoseLiftingDataSample
from vlplugins.structures.skeleton_layout import SkeletonLayout, convert_joints, convert_scores, get_layout


@TRANSFORMS.register_module()
class SelectJoints(BaseTransform):
    """Converts the poses of a record to another layout of joints.

    Args:
        source: Layout of the record.
        target: Layout that is wanted.

    Raises:
        RecordError: (when called) another number of joints.
    """

    def __init__(
        self, source: Union[str, SkeletonLayout] = 'h36m17', target: Union[str, SkeletonLayout] = 'h36m16'
    ) -> None:
        self.source, self.target = get_layout(source), get_layout(target)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Convert ``keypoints`` and ``lifting_target``, and their visibilities."""
        for key in ('keypoints', 'lifting_target'):
            if key not in results:
                continue
            results[key] = convert_joints(np.asarray(results[key]), self.source, self.target)
            if results.get(f'{key}_visible') is not None:
                visible = np.asarray(results[f'{key}_visible'])
                results[f'{key}_visible'] = convert_scores(visible, self.source, self.target)
        results['flip_indices'] = list(self.target.flip_indices)
        return results


@TRANSFORMS.register_module()
class ProjectLiftingTarget(BaseTransform):
    """Replaces the 2D pose by the projection of the pose in space by ``camera_param``."""

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Set ``keypoints`` in pixels.

        Raises:
            ValueError: the record has no camera.
        """
        if 'f' not in results.get('camera_param', {}):
            raise ValueError(f'{results.get("source", "a record")} has no camera in camera_param to project by')
        camera = np.concatenate([np.ravel(results['camera_param'][key]) for key in ('f', 'c', 'k', 'p')])
        target = np.asarray(results['lifting_target'], dtype=np.float64)
        results['keypoints'] = project_pixels(target, np.tile(camera, (len(target), 1))).astype(np.float32)
        return results


@TRANSFORMS.register_module()
class ScreenNormalize(BaseTransform):
    """Pixels to screen coordinates: ``2 u / w - [1, h / w]``; the width spans -1..1 and the aspect is kept.

    The size of the picture is ``image_size``, or that of ``camera_param``.
    """

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Set ``keypoints``.

        Raises:
            ValueError: the size of the picture is not known.
        """
        size = results.get('image_size')
        if size is None and 'camera_param' in results:
            size = results['camera_param']['w'], results['camera_param']['h']
        if size is None or not size[0] > 0:
            raise ValueError(f'{results.get("source", "a record")} has no size of its picture (image_size)')
        width, height = (float(each) for each in size)
        offset = np.array([1, height / width], dtype=np.float32)
        results['keypoints'] = (2 * np.asarray(results['keypoints'], dtype=np.float32) / width - offset).astype(
            np.float32
        )
        results['image_size'] = (width, height)
        return results


@TRANSFORMS.register_module()
class PackLiftingInputs(BaseTransform):
    """Packs a record: ``inputs``, the 2D pose ``[V, 2]``, and a :class:`PoseLiftingDataSample`.

    The pose in space becomes relative to its root; its weight is 1 unless the record has one.

    Args:
        meta_keys: Keys of the record that become meta information of the sample, where present.
        root: Index of the root.
    """

    def __init__(
        self,
        meta_keys: Sequence[str] = ('sample_idx', 'source', 'dataset', 'subject', 'action', 'image_size', 'frame'),
        root: int = 0,
    ) -> None:
        self.meta_keys, self.root = tuple(meta_keys), root

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        inputs = torch.from_numpy(np.asarray(results['keypoints'][0], dtype=np.float32))
        sample = PoseLiftingDataSample(metainfo={key: results[key] for key in self.meta_keys if key in results})
        sample.keypoints_2d = inputs
        sample.weight = torch.tensor(float(results.get('weight', 1.0)))
        sample.is_generated = torch.tensor(bool(results.get('is_generated', False)))
        if results.get('lifting_target') is not None:
            pose = torch.from_numpy(np.asarray(results['lifting_target'][-1], dtype=np.float32))
            sample.gt_keypoints_3d = pose - pose[self.root]
        if results.get('camera') is not None:
            sample.camera = torch.from_numpy(np.asarray(results['camera'], dtype=np.float32))
        return dict(inputs=inputs, data_samples=sample)
