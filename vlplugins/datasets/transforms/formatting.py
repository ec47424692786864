"""From pipeline results to what a model takes."""

from typing import Any, Dict, Sequence

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from torch import Tensor

from vlplugins.registry import TRANSFORMS
from vlplugins.structures import ClassificationDataSample

_META_KEYS = ('sample_idx', 'img_path', 'ori_shape', 'img_shape', 'role')


def image_to_tensor(image: np.ndarray) -> Tensor:
    """``[H, W]`` or ``[H, W, C]`` to a contiguous tensor ``[C, H, W]`` of the same type."""
    if image.ndim == 2:
        image = image[..., None]
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


class _Pack(BaseTransform):
    """Packs the image, its label (where there is one) and meta information.

    Args:
        meta_keys: Keys of the results that become meta information of the sample, where present.
    """

    def __init__(self, meta_keys: Sequence[str] = _META_KEYS) -> None:
        self.meta_keys = tuple(meta_keys)

    def _pack_image(self, image: Any) -> Any:
        raise NotImplementedError

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Return ``inputs`` and ``data_samples``."""
        sample = ClassificationDataSample()
        if results.get('gt_label') is not None:
            sample.set_gt_label(results['gt_label'])
        sample.set_metainfo({key: results[key] for key in self.meta_keys if key in results})
        return dict(inputs=self._pack_image(results['img']), data_samples=sample)


@TRANSFORMS.register_module()
class PackClassificationInputs(_Pack):
    """Packs one image: ``inputs`` is a tensor ``[C, H, W]``. Arguments: ``meta_keys``."""

    def _pack_image(self, image: np.ndarray) -> Tensor:
        return image_to_tensor(image)


@TRANSFORMS.register_module()
class PackSelfSupInputs(_Pack):
    """Packs views: ``inputs`` is a list of tensors ``[C, H, W]``, one per view. Arguments: ``meta_keys``.

    Raises:
        ValueError: the pipeline has made no views.
    """

    def _pack_image(self, image: Any) -> list:
        if not isinstance(image, (list, tuple)):
            raise ValueError('PackSelfSupInputs found one image, expected views; put MultiView before it')
        return [image_to_tensor(view) for view in image]
