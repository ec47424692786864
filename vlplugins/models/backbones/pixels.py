"""The image itself as a feature: the baseline that learned features must beat."""

from typing import Tuple

from mmengine.model import BaseModule
from torch import Tensor

from vlplugins.registry import MODELS


@MODELS.register_module()
class PixelBackbone(BaseModule):
    """Returns the values of the image as one map of size 1 x 1. Arguments: ``init_cfg``."""

    def forward(self, inputs: Tensor) -> Tuple[Tensor, ...]:
        """``[N, C, H, W] -> ([N, C * H * W, 1, 1],)``."""
        return (inputs.flatten(1)[..., None, None],)
