"""Batches of videos and texts."""

from typing import Any, Dict, List, Sequence, Tuple, Union

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from vlplugins.registry import MODELS

Parts = Union[Tensor, Sequence[Tensor]]

# The constants of CLIP, for values 0..255.
CLIP_MEAN = tuple(255 * value for value in (0.48145466, 0.4578275, 0.40821073))
CLIP_STD = tuple(255 * value for value in (0.26862954, 0.26130258, 0.27577711))


def _stack(parts: Parts, name: str) -> Tensor:
    if isinstance(parts, Tensor):
        return parts
    shapes = {tuple(part.shape) for part in parts}
    if len(shapes) > 1:
        raise ValueError(f'{name} of one batch differ in shape: {sorted(shapes)}; the pipeline must make them equal')
    return torch.stack(list(parts))


@MODELS.register_module()
class RetrievalDataPreprocessor(BaseDataPreprocessor):
    """Stacks frames and token ids, moves them to the device as integers, and normalises the frames there.

    Args:
        mean: Mean of each channel (RGB), in the range 0..255; by default CLIP's.
        std: The same for the standard deviation.
        non_blocking: Copy to the device asynchronously (from pinned memory).

    Raises:
        ValueError: ``mean`` and ``std`` of different lengths, or a deviation that is not positive; (in ``forward``)
            parts of different shapes, or neither frames nor texts.
    """

    def __init__(
        self, mean: Sequence[float] = CLIP_MEAN, std: Sequence[float] = CLIP_STD, non_blocking: bool = True
    ) -> None:
        super().__init__(non_blocking)
        if len(mean) != len(std) or min(std) <= 0:
            raise ValueError(f'mean {tuple(mean)} and std {tuple(std)} must have equal lengths, and std be positive')
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float).view(1, 1, -1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std, dtype=torch.float).view(1, 1, -1, 1, 1), persistent=False)

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Prepare a collated batch of B items.

        Args:
            data: ``inputs``, with any of ``imgs`` (``[B, T, 3, H, W]`` or a list of B ``[T, 3, H, W]``, uint8, RGB),
                ``frame_mask`` (``[B, T]`` or B ``[T]``, booleans), and ``text_ids`` (``[B, M]`` or B ``[M]``: one text
                for each item; B ``[C, M]``: all captions of each); and ``data_samples``, B samples, or absent.
            training: Not used; the preparation is the same in training.

        Returns:
            ``inputs``: ``imgs`` float ``[B, T, 3, H, W]``, ``frame_mask [B, T]``, ``text_ids [sum of C, M]`` and, where
            items hold lists of captions, ``captions_per_video`` (list of B integers); ``data_samples`` on the device.
        """
        found = data['inputs']
        if found.get('imgs') is None and found.get('text_ids') is None:
            raise ValueError(f'inputs hold {sorted(found)}; expected imgs, text_ids, or both')
        inputs: Dict[str, Any] = {}
        if found.get('imgs') is not None:
            frames = self._move(_stack(found['imgs'], 'imgs'))
            inputs['imgs'] = (frames.float() - self.mean) / self.std
            if found.get('frame_mask') is not None:
                inputs['frame_mask'] = self._move(_stack(found['frame_mask'], 'frame_mask')).bool()
        if found.get('text_ids') is not None:
            text_ids, counts = self._join_texts(found['text_ids'])
            inputs['text_ids'] = self._move(text_ids)
            if counts:
                inputs['captions_per_video'] = counts
        return dict(inputs=inputs, data_samples=self.cast_data(data.get('data_samples')))

    def _move(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, non_blocking=self._non_blocking)

    @staticmethod
    def _join_texts(parts: Parts) -> Tuple[Tensor, List[int]]:
        """One text per item: ``[B, M]`` and an empty list; several: ``[sum of C, M]`` and the counts."""
        parts = list(parts)
        if all(part.dim() == 1 for part in parts):
            return _stack(parts, 'text_ids'), []
        if any(part.dim() != 2 for part in parts) or len({part.size(1) for part in parts}) > 1:
            shapes = [tuple(part.shape) for part in parts]
            raise ValueError(f'text_ids have shapes {shapes}; expected all [M], or all [C, M] with one M')
        return torch.cat(parts), [len(part) for part in parts]
