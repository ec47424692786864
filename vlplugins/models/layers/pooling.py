"""Pooling shared by necks, heads and algorithms."""

from typing import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def pooled_features(maps: Sequence[Tensor]) -> Tensor:
    """Global average of the last map: ``(..., [N, C, H, W]) -> [N, C]``."""
    return torch.flatten(F.adaptive_avg_pool2d(maps[-1], 1), 1)
