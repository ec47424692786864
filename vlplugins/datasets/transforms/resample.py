"""Sequences of features brought to one length."""

from typing import Any, Dict

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ResampleFeatures(BaseTransform):
    """Takes L rows of ``features[modality]``, evenly over time: ``[T, D]`` to ``[L, D]``.

    Row k is that at the centre of the k-th of L cells, ``floor((k + 0.5) * T / L)``; rows repeat where T < L.

    Args:
        num_positions: L.
        modality: Which features.
        jitter: Take a random place of each cell instead of its centre, for training.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: ``num_positions`` below 1.
    """

    def __init__(self, num_positions: int, modality: str = 'video', jitter: bool = False, rng: Any = np.random) -> None:
        if num_positions < 1:
            raise ValueError(f'num_positions {num_positions} must be at least 1')
        self.num_positions, self.modality, self.jitter, self.rng = num_positions, modality, jitter, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Resample."""
        features = results['features'][self.modality]
        offsets = self.rng.uniform(size=self.num_positions) if self.jitter else 0.5
        places = (np.arange(self.num_positions) + offsets) * len(features) / self.num_positions
        results['features'][self.modality] = features[np.floor(places).astype(int).clip(max=len(features) - 1)]
        return results
