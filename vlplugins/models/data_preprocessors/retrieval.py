"""Batches of videos and texts."""

from typing import Any, Dict, Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from vlplugins.models.data_preprocessors.stacking import join_texts, stack
from vlplugins.registry import MODELS

# The constants of CLIP, for values 0..255.
CLIP_MEAN = tuple(255 * value for value in (0.48145466, 0.4578275, 0.40821073))
CLIP_STD = tuple(255 * value for value in (0.26862954, 0.26130258, 0.27577711))


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
            frames = self._move(stack(found['imgs'], 'imgs'))
            inputs['imgs'] = (frames.float() - self.mean) / self.std
            if found.get('frame_mask') is not None:
                inputs['frame_mask'] = self._move(stack(found['frame_mask'], 'frame_mask')).bool()
        if found.get('text_ids') is not None:
            text_ids, counts = join_texts(found['text_ids'])
            inputs['text_ids'] = self._move(text_ids)
            if counts:
                inputs['captions_per_video'] = counts
        return dict(inputs=inputs, data_samples=self.cast_data(data.get('data_samples')))

    def _move(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, non_blocking=self._non_blocking)
