"""Recognition of actions in skeleton files, arrays and endless sequences."""

import argparse
from collections import deque
from pathlib import Path
from typing import Any, Deque, Dict, Iterable, Iterator, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.infer.infer import ModelType

from vlplugins.apis.base import BaseInferencer, find_pipeline
from vlplugins.datasets.formats.skeleton_input import SKELETON_EXTENSIONS, read_skeletons, split_range
from vlplugins.registry import INFERENCERS
from vlplugins.structures.skeleton_layout import get_layout


@INFERENCERS.register_module()
class SkeletonActionInferencer(BaseInferencer):
    """Names the action of a skeleton sequence.

    An input is a ``.skeleton`` file of NTU RGB+D, an array ``[M, T, V, 3]`` in metres (or an ``.npy`` file of one), a
    joint file of UTKinect with or without frame numbers (``'joints_s01_e01.txt:252-390'``), or a record of mmaction2. A
    prediction is ``dict(input, label, name, score, top5=[dict(label, name, score)], key_times, frame_energy)``: name
    where the classes are known, real-valued frame indices of the rows, energy of each frame.

    Args:
        model: Path of a config, or a config, of a recognizer whose test pipeline takes ``keypoint``.
        weights: Checkpoint.
        animation: ``'gif'`` or ``'mp4'``: also write the moving skeleton beside each picture.
        device: As in :class:`BaseInferencer`.
        show_progress: Show a progress bar.
        deploy: Switch a backbone that can (``switch_to_deploy``, as :class:`AFECNN` has it) to its faster form, whose
            outputs are equal up to rounding.

    Raises:
        ValueError: an unknown kind of animation.
    """

    extensions = SKELETON_EXTENSIONS

    def __init__(
        self,
        model: Union[ModelType, str],
        weights: Optional[str] = None,
        animation: Optional[str] = None,
        device: Optional[str] = None,
        show_progress: bool = True,
        deploy: bool = True,
    ) -> None:
        if animation not in (None, 'gif', 'mp4'):
            raise ValueError(f"animation {animation!r} is unknown; expected 'gif' or 'mp4'")
        super().__init__(model, weights, device, show_progress)
        self.animation = animation
        backbone = getattr(self.model, 'backbone', None)
        if deploy and hasattr(backbone, 'switch_to_deploy'):
            backbone.switch_to_deploy()
        self.classes = self.classes or self.cfg.test_dataloader.dataset.get('classes')
        layouts = [step['layout'] for step in find_pipeline(self.cfg) if 'layout' in step]
        self.layout = get_layout(layouts[0] if layouts else 'nturgb+d')

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """Add the arguments of ``tools/infer.py`` for this task."""
        group = parser.add_argument_group('skeleton actions (the inputs are .skeleton, .npy or UTKinect .txt files)')
        group.add_argument('--animation', choices=['gif', 'mp4'], help='also write the moving skeleton')

    def apply_arguments(self, args: argparse.Namespace) -> None:
        """Do what the arguments of :meth:`add_arguments` ask for."""
        self.animation = args.animation or self.animation

    def _inputs_to_list(self, inputs: Any) -> List[Any]:
        items = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        found: List[Any] = []
        for item in items:
            path, numbers = split_range(str(item)) if isinstance(item, (str, Path)) else ('', None)
            found += super()._inputs_to_list(item if numbers is None else path)
            if numbers is not None:
                found[-1] = str(item)
        return found

    def to_record(self, item: Any) -> Dict[str, Any]:
        """Record of a file, an array, or a record."""
        record = read_skeletons(item)
        self.layout.check(record['keypoint'], record.get('ann_file', 'skeleton'), record['frame_dir'])
        return record

    def to_plain(self, sample: Any) -> Dict[str, Any]:
        """Plain data of one prediction."""
        score = sample.pred_score.cpu()
        best = score.argsort(descending=True)[:5].tolist()
        top5 = [dict(self._named(label), score=float(score[label])) for label in best]
        plain = dict(input=sample.get('frame_dir'), **top5[0], top5=top5)
        for key in ('key_times', 'frame_energy'):
            if key in sample:
                plain[key] = np.asarray(sample.get(key)).tolist()
        return plain

    def _named(self, label: int) -> Dict[str, Any]:
        return dict(label=label) if self.classes is None else dict(label=label, name=self.classes[label])

    def picture_name(self, index: int, item: Any) -> str:
        """File name of the picture of an input."""
        return super().picture_name(index, split_range(str(item))[0] if isinstance(item, str) else item)

    def visualize(self, inputs: List[Any], preds: List[Any], vis_out_dir: Optional[str] = None) -> List[np.ndarray]:
        """Draw each prediction, with the attention of the network where it has any; and animate."""
        if vis_out_dir is None:
            return []
        for item, sample in zip(inputs, preds):
            attention = self.joint_attention(item)
            if attention is not None:
                sample.set_metainfo(dict(joint_attention=attention))
        pictures = super().visualize(inputs, preds, vis_out_dir)
        if self.animation is not None:
            for index, (item, sample) in enumerate(zip(inputs, preds)):
                path = Path(vis_out_dir, self.picture_name(index, item)).with_suffix(f'.{self.animation}')
                self.visualizer.animate(read_skeletons(item)['keypoint'], sample, str(path))
        return pictures

    @torch.no_grad()
    def joint_attention(self, item: Any) -> Optional[np.ndarray]:
        """Mean factor ``[V]`` of each joint in the last layer at full size, for the main person; or ``None``."""
        backbone = getattr(self.model, 'backbone', None)
        if not hasattr(backbone, 'attention_maps'):
            return None
        inputs = self.model.data_preprocessor(self.collate_fn([self.pipeline(item)]), False)['inputs']
        columns = inputs.shape[-1]
        full = [
            pair[1] for layers in backbone.attention_maps(inputs[0]) for pair in layers if pair[1].size(3) == columns
        ]
        if not full:
            return None
        factors = torch.stack([each[0].mean(dim=(0, 1)) for each in full]).mean(dim=0).cpu().numpy()
        joints = np.empty(columns)
        ordered = any(step.get('order', True) for step in find_pipeline(self.cfg) if 'SkeletonImage' in step['type'])
        joints[list(self.layout.order) if ordered else slice(None)] = factors
        return joints

    def stream(self, frames: Iterable[np.ndarray], window: int = 64, stride: int = 8) -> Iterator[Dict[str, Any]]:
        """Recognise an endless sequence by a sliding window.

        A window is treated as a clip of its own, so that the result is that of the same frames given as an array.

        Args:
            frames: One array ``[M, V, 3]`` (or ``[V, 3]``) in metres for each moment; an absent person is zero.
            window: Frames of a window.
            stride: Frames between windows.

        Yields:
            ``dict(frame, label, name, score, ...)``: the number of the last frame of the window (from 0), and a
            prediction as of a call. While nobody is there, ``label`` is ``None`` and ``score`` zero.

        Raises:
            ValueError: a window or stride below 1, or a frame of another shape than the one before it.
        """
        if window < 1 or stride < 1:
            raise ValueError(f'window {window} and stride {stride} must be at least 1')
        kept: Deque[np.ndarray] = deque(maxlen=window)
        for number, frame in enumerate(frames):
            frame = np.asarray(frame, dtype=np.float64)
            frame = frame[None] if frame.ndim == 2 else frame
            if kept and frame.shape != kept[-1].shape:
                raise ValueError(f'frame {number} has the shape {frame.shape}, the one before it {kept[-1].shape}')
            kept.append(frame)
            if len(kept) == window and (number + 1 - window) % stride == 0:
                yield dict(frame=number, **self._recognise(np.stack(kept, axis=1)))

    def _recognise(self, clip: np.ndarray) -> Dict[str, Any]:
        if not clip.any():
            return dict(label=None, score=0.0)
        (sample,) = self.forward(self.collate_fn([self.pipeline(clip)]))
        plain = self.to_plain(sample)
        plain.pop('input')
        return plain


def frames_of(keypoint: np.ndarray) -> Sequence[np.ndarray]:
    """The moments ``[M, V, 3]`` of a sequence ``[M, T, V, 3]``."""
    return list(np.moveaxis(keypoint, 1, 0))
