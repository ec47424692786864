"""Scores of classes for each segment of a clip, and for the clip."""

import math
from typing import Optional, Tuple

from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class EmotionActivationHead(BaseModule):
    """Logits of C classes for each segment, each class for itself, and of the clip by pooling over time.

    Args:
        in_channels: d; a model that builds a head for each branch sets it.
        num_classes: C.
        pool: Config of the pooling.
        prior: Score that every class starts with; where classes are rare, training would otherwise begin with
            pushing all scores down.
        dropout: Dropout before the layer.
        init_cfg: MMEngine initialisation.

    Raises:
        ValueError: a prior outside 0..1.
    """

    def __init__(
        self,
        in_channels: int = 256,
        num_classes: int = 18,
        pool: dict = dict(type='vlplugins.TopKPooling', ratio=4),  # noqa: B006
        prior: float = 0.1,
        dropout: float = 0.5,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        if not 0 < prior < 1:
            raise ValueError(f'prior {prior} must be between 0 and 1')
        self.num_classes = num_classes
        self.dropout, self.classifier = nn.Dropout(dropout), nn.Linear(in_channels, num_classes)
        nn.init.normal_(self.classifier.weight, std=0.01)
        nn.init.constant_(self.classifier.bias, -math.log((1 - prior) / prior))
        self.pool = MODELS.build(pool)

    def forward(self, features: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
        """Logits of segments ``[B, N, C]`` and clip ``[B, C]``, of ``features [B, N, d]`` and ``mask [B, N]``."""
        logits = self.classifier(self.dropout(features)).float()
        return logits, self.pool(logits, mask, features)
