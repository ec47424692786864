"""The sample of image classification and of feature evaluation."""

from typing import Dict, Union

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor


class ClassificationDataSample(BaseDataElement):
    """Label of an image, and what a model says of it at each width.

    Data fields: ``gt_label`` (``LongTensor [1]``), ``pred_scores`` (``{width: [num_classes]}``), ``pred_labels``
    (``{width: [1]}``), ``features`` (``{width: [C]}``). Meta information: ``img_path``, ``sample_idx``, and ``role``
    (``'bank'`` or ``'query'``) where features of one set are judged by another.
    """

    def set_gt_label(self, label: Union[int, Tensor]) -> 'ClassificationDataSample':
        """Set the label, an int or a tensor with one.

        Raises:
            ValueError: a negative label, or not exactly one.
        """
        label = torch.as_tensor(label, dtype=torch.long).reshape(-1)
        if label.numel() != 1 or label.item() < 0:
            raise ValueError(f'expected one label of at least 0, found {label.tolist()}')
        self.gt_label = label
        return self

    @property
    def widths(self) -> tuple:
        """Widths of the predictions, largest first."""
        predictions: Dict[float, Tensor] = self.get('pred_scores') or self.get('features') or {}
        return tuple(sorted(predictions, reverse=True))
