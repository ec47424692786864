"""Batches of poses."""

from typing import Any, Dict

import torch
from mmengine.model import BaseDataPreprocessor

from vlplugins.registry import MODELS


@MODELS.register_module()
class PoseLiftingDataPreprocessor(BaseDataPreprocessor):
    """Stacks poses on the screen to ``inputs [N, 2 V, 1]`` and the fields of their samples to ``targets``.

    ``targets`` has ``keypoints_3d [N, V, 3]``, ``weight [N]`` and ``is_generated [N]``, or is ``None`` where the
    samples hold no pose in space.
    """

    def forward(self, data: Dict[str, Any], training: bool = False) -> Dict[str, Any]:
        """Stack and move a batch of ``inputs`` (each ``[V, 2]``) and ``data_samples``."""
        inputs = data['inputs']
        inputs = torch.stack(list(inputs)) if isinstance(inputs, (list, tuple)) else inputs
        samples = data.get('data_samples')
        targets = None
        if samples is not None and all('gt_keypoints_3d' in sample for sample in samples):
            targets = dict(
                keypoints_3d=torch.stack([sample.gt_keypoints_3d for sample in samples]),
                weight=torch.stack([sample.weight for sample in samples]),
                is_generated=torch.stack([sample.is_generated for sample in samples]),
            )
        stacked = self.cast_data(dict(inputs=inputs.float().flatten(1)[..., None], targets=targets))
        # Samples stay where they are: they carry names and truth to the metric.
        return dict(stacked, data_samples=samples)
