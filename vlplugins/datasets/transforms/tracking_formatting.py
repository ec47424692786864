"""Packing clips and pairs of frames for a tracker."""

from typing import Any, Dict, List, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from vlplugins.registry import TRANSFORMS
from vlplugins.structures.track_sample import make_track_sample

_META_KEYS = (
    'img_id', 'img_path', 'frame_id', 'video_id', 'video_length', 'ori_video_length', 'name', 'ori_shape', 'img_shape',
    'scale_factor', 'flip', 'flip_direction', 'window', 'init_bbox', 'visible', 'cover', 'distractors', 'instances',
)  # fmt: skip
_TRUTH = dict(gt_bboxes='bboxes', gt_bboxes_labels='labels', gt_instances_ids='instances_ids')


class _PackTracks(BaseTransform):
    """Packs lists with a value for each of T frames.

    Returns ``inputs``, uint8 ``[T, 3, H, W]``, and ``data_samples``, a ``mmdet.TrackDataSample``: its
    ``video_data_samples[t]`` have ``gt_instances`` with ``bboxes`` ``[N, 4]`` (xyxy in pixels of the input),
    ``labels`` and ``instances_ids``, and the sample and its frames have the metainfo ``task``.

    Args:
        meta_keys: Values that frames get as metainfo, where there are such.
    """

    task = ''

    def __init__(self, meta_keys: Sequence[str] = _META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def transform(self, results: Dict[str, Any]) -> Any:
        """Pack."""
        images = np.ascontiguousarray(np.stack(results['img']).transpose(0, 3, 1, 2))
        frames = [self.pack_frame(results, frame) for frame in range(len(images))]
        return dict(inputs=torch.from_numpy(images), data_samples=make_track_sample(frames, self.task))

    def pack_frame(self, results: Dict[str, Any], frame: int) -> DetDataSample:
        """One frame."""
        meta = {key: results[key][frame] for key in self.meta_keys if key in results}
        sample = DetDataSample(metainfo=dict(meta, task=self.task))
        # Objects that evaluation ignores are no targets.
        kept = slice(None) if 'gt_ignore_flags' not in results else ~results['gt_ignore_flags'][frame].astype(bool)
        truth = {name: _tensor(results[key][frame])[kept] for key, name in _TRUTH.items() if key in results}
        sample.gt_instances = InstanceData(**truth)
        return sample

    def __repr__(self) -> str:
        return f'{type(self).__name__}()'


@TRANSFORMS.register_module()
class PackSOTInputs(_PackTracks):
    """Packs clips, or frames of a test, of a single object (``task='sot'``); see :class:`_PackTracks`.

    After ``JitteredCrop`` frames have ``padding_mask``, booleans ``[H, W]`` that are true beside the image.
    """

    task = 'sot'

    def pack_frame(self, results: Dict[str, Any], frame: int) -> DetDataSample:
        """One frame with its padding mask."""
        sample = super().pack_frame(results, frame)
        if 'padding_mask' in results:
            sample.padding_mask = torch.from_numpy(results['padding_mask'][frame])
        return sample


@TRANSFORMS.register_module()
class PackMOTInputs(_PackTracks):
    """Packs frames of a test of several objects (``task='mot'``); see :class:`_PackTracks`.

    After ``LoadPublicDetections`` frames have ``public_instances`` with ``bboxes`` (xyxy in pixels of the input),
    ``scores`` and ``labels``.
    """

    task = 'mot'

    def pack_frame(self, results: Dict[str, Any], frame: int) -> DetDataSample:
        """One frame with its public detections."""
        sample = super().pack_frame(results, frame)
        if 'public_bboxes' in results:
            factor = np.tile(results['scale_factor'][frame], 2) if 'scale_factor' in results else 1.0
            sample.public_instances = InstanceData(
                bboxes=torch.from_numpy((results['public_bboxes'][frame] * factor).astype(np.float32)),
                scores=torch.from_numpy(results['public_scores'][frame]),
                labels=torch.from_numpy(results['public_labels'][frame]),
            )
        return sample


@TRANSFORMS.register_module()
class PackMOTPairInputs(PackMOTInputs):
    """Packs training pairs of several objects (``task='mot'``); returns ``None`` where no object is in all frames."""

    def transform(self, results: Dict[str, Any]) -> Any:
        """Pack, if an object is in all frames."""
        identities: List[set] = [set(np.asarray(ids).tolist()) for ids in results['gt_instances_ids']]
        return super().transform(results) if set.intersection(*identities) else None


def _tensor(value: Any) -> torch.Tensor:
    # mmdet's transforms leave boxes in a class of their own.
    return value.tensor if hasattr(value, 'tensor') else torch.as_tensor(np.asarray(value))
