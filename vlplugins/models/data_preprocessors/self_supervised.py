"""Batches of images, or of several views of each image."""

from typing import Any, Dict, List, Optional, Sequence, Union

import torch
from mmengine.model import BaseDataPreprocessor
from torch import Tensor

from vlplugins.registry import MODELS

ImageBatch = Union[Tensor, Sequence[Tensor]]


@MODELS.register_module()
class SelfSupDataPreprocessor(BaseDataPreprocessor):
    """Stacks images of one size, moves them to the device in one piece, and normalises them there.

    Args:
        mean: One value, or one per channel in the order of the output, in the range of the input (0..255).
        std: The same for the standard deviation.
        bgr_to_rgb: Reverse the channels, which OpenCV loads as BGR.
        non_blocking: Copy to the device asynchronously (from pinned memory).

    Raises:
        ValueError: one of ``mean`` and ``std`` without the other; (in ``forward``) images of different shapes.
    """

    def __init__(
        self,
        mean: Optional[Sequence[float]] = None,
        std: Optional[Sequence[float]] = None,
        bgr_to_rgb: bool = False,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking)
        if (mean is None) != (std is None):
            raise ValueError(f'mean {mean} and std {std} must be given together')
        self.bgr_to_rgb, self.normalize = bgr_to_rgb, mean is not None
        if mean is not None:
            self.register_buffer('mean', torch.tensor(mean, dtype=torch.float).view(1, -1, 1, 1), persistent=False)
            self.register_buffer('std', torch.tensor(std, dtype=torch.float).view(1, -1, 1, 1), persistent=False)

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Prepare a collated batch.

        Args:
            data: ``inputs``: one batch or a list of V batches (views), each a tensor ``[N, C, H, W]`` or a list of N
                tensors ``[C, H, W]``; ``data_samples``: a list of N samples, or absent.
            training: Not used; the preparation is the same in training.

        Returns:
            ``inputs``: float ``[N, C, H, W]``, or a list of V such tensors; ``data_samples`` on the device.
        """
        inputs = data['inputs']
        samples = self.cast_data(data.get('data_samples'))
        is_views = not isinstance(inputs, Tensor) and (not isinstance(inputs[0], Tensor) or inputs[0].dim() == 4)
        prepared: Union[Tensor, List[Tensor]]
        prepared = [self._prepare(view) for view in inputs] if is_views else self._prepare(inputs)
        return dict(inputs=prepared, data_samples=samples)

    def _prepare(self, images: ImageBatch) -> Tensor:
        if not isinstance(images, Tensor):
            shapes = {tuple(image.shape) for image in images}
            if len(shapes) > 1:
                raise ValueError(f'images of one batch differ in shape: {sorted(shapes)}; the pipeline must crop them')
            images = torch.stack(list(images))
        images = images.to(self.device, non_blocking=self._non_blocking)
        if self.bgr_to_rgb:
            images = images.flip(1)
        images = images.float()
        return (images - self.mean) / self.std if self.normalize else images
