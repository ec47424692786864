"""Batches of sequences of features of different lengths."""

from typing import Any, Dict, List, Optional, Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vlplugins.registry import MODELS


@MODELS.register_module()
class FeatureSequencePreprocessor(BaseDataPreprocessor):
    """Pads sequences to the longest of the batch, makes their mask, and moves all to the device.

    Args:
        pad_value: Value of padded features.
        max_lines: Longest sequence that is taken; any by default.
        non_blocking: Copy to the device asynchronously (from pinned memory).

    Raises:
        ValueError: (in ``forward``) sequences of one clip that differ in length, an empty clip, widths that differ, or
            a clip that is longer than ``max_lines``.
    """

    def __init__(self, pad_value: float = 0.0, max_lines: Optional[int] = None, non_blocking: bool = True) -> None:
        super().__init__(non_blocking)
        self.pad_value, self.max_lines = pad_value, max_lines

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Prepare a collated batch of B clips.

        Args:
            data: ``inputs``, with lists of B tensors: any number of features ``[N, D]``, ``times [N, 2]`` where there
                are any, and ``present``, a dict of lists of B booleans; ``data_samples``, B samples.
            training: Not used; the preparation is the same in training.

        Returns:
            ``inputs``: features ``[B, N, D]``, ``times [B, N, 2]``, ``mask`` booleans ``[B, N]``, true for real
            segments, ``present`` ``{name: [B] booleans}``; ``data_samples`` on the device.
        """
        found = dict(data['inputs'])
        present = found.pop('present', {})
        lengths = [len(each) for each in found.get('times', next(iter(found.values())))]
        if min(lengths) < 1 or (self.max_lines is not None and max(lengths) > self.max_lines):
            raise ValueError(f'clips have {lengths} segments; expected 1 to {self.max_lines or "any number"}')
        inputs: Dict[str, Any] = {}
        for name, parts in found.items():
            self._check(name, parts, lengths)
            padded = pad_sequence(list(parts), batch_first=True, padding_value=self.pad_value)
            inputs[name] = padded.to(self.device, non_blocking=self._non_blocking).float()
        counts = torch.tensor(lengths)[:, None]
        mask = torch.arange(max(lengths))[None] < counts
        inputs['mask'] = mask.to(self.device, non_blocking=self._non_blocking)
        inputs['present'] = {
            name: torch.stack([torch.as_tensor(each) for each in flags]).to(self.device, non_blocking=True)
            for name, flags in present.items()
        }
        return dict(inputs=inputs, data_samples=self.cast_data(data.get('data_samples')))

    @staticmethod
    def _check(name: str, parts: Sequence[Tensor], lengths: List[int]) -> None:
        shapes = [tuple(part.shape) for part in parts]
        if [len(part) for part in parts] != lengths:
            raise ValueError(f'{name} has the lengths {[len(part) for part in parts]}, times {lengths}')
        if len({shape[1:] for shape in shapes}) > 1:
            raise ValueError(f'{name} of one batch has several widths: {sorted({shape[1:] for shape in shapes})}')
