"""Batches of images with texts and phrases."""

from typing import Any, Dict, Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vlplugins.models.data_preprocessors.stacking import join_texts, stack
from vlplugins.registry import MODELS

# Of ImageNet, red, green and blue in the range 0..255.
_MEAN, _STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@MODELS.register_module()
class ImageTextDataPreprocessor(BaseDataPreprocessor):
    """Stacks images, token ids and phrases, moves them to the device, and normalises the images there.

    Args:
        mean: Mean of red, green and blue, in the range 0..255; by default ImageNet's.
        std: The same for the standard deviation.
        bgr_to_rgb: Images come as OpenCV loads them.
        padding_id: Token id of padding.
        non_blocking: Copy to the device asynchronously (from pinned memory).

    Raises:
        ValueError: deviations that are not positive; (in ``forward``) images or token ids of several shapes.
    """

    def __init__(
        self,
        mean: Sequence[float] = _MEAN,
        std: Sequence[float] = _STD,
        bgr_to_rgb: bool = True,
        padding_id: int = 0,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking)
        if len(mean) != len(std) or min(std) <= 0:
            raise ValueError(f'mean {tuple(mean)} and std {tuple(std)} must have equal lengths, and std be positive')
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float).view(1, -1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std, dtype=torch.float).view(1, -1, 1, 1), persistent=False)
        self.bgr_to_rgb, self.padding_id = bgr_to_rgb, padding_id

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Prepare a collated batch of B items.

        Args:
            data: ``inputs``: ``image`` (``[B, 3, H, W]`` or B ``[3, H, W]``, uint8), ``text_ids`` (B ``[M]``, or B
                ``[C, M]``: several texts an item), ``phrase_spans`` (B ``[N, 2]``) and ``class_prompts`` (B times the
                same ``[K, T, M]``), each of which may be absent; or the images alone, as ``mmdet.PackDetInputs`` packs
                them. ``data_samples``, B samples, or absent.
            training: Not used; the preparation is the same in training.

        Returns:
            ``inputs``: ``image`` float ``[B, 3, H, W]``; ``text_ids [sum of C, M]``; ``text_mask``, booleans of that
            shape; ``captions_per_image``, B integers, where items have several texts; ``phrase_spans [B, N, 2]`` with
            N the most of the batch, at least 1, and empty spans at padding; ``class_prompts`` and
            ``class_prompt_mask``, ``[K, T, M]``. ``data_samples`` on the device.
        """
        found = data['inputs']
        found = found if isinstance(found, dict) else dict(image=found)
        inputs: Dict[str, Any] = {}
        if found.get('image') is not None:
            image = self._move(stack(found['image'], 'images'))
            image = image.flip(1) if self.bgr_to_rgb else image
            inputs['image'] = (image.float() - self.mean) / self.std
        if found.get('text_ids') is not None:
            text_ids, counts = join_texts(found['text_ids'])
            inputs['text_ids'] = self._move(text_ids)
            inputs['text_mask'] = inputs['text_ids'] != self.padding_id
            if counts:
                inputs['captions_per_image'] = counts
        if found.get('phrase_spans') is not None:
            spans = pad_sequence([each.reshape(-1, 2) for each in found['phrase_spans']], batch_first=True)
            # A model finds one phrase at least, if an empty one.
            inputs['phrase_spans'] = self._move(spans if spans.size(1) else spans.new_zeros(len(spans), 1, 2))
        if found.get('class_prompts') is not None:
            # All items have the same.
            inputs['class_prompts'] = self._move(found['class_prompts'][0])
            inputs['class_prompt_mask'] = inputs['class_prompts'] != self.padding_id
        return dict(inputs=inputs, data_samples=self.cast_data(data.get('data_samples')))

    def _move(self, tensor: Tensor) -> Tensor:
        return tensor.to(self.device, non_blocking=self._non_blocking)
