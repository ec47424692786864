"""A branch over sequences of features as the backbone of a recogniser of skeletons."""

from typing import Optional

import torch
from mmengine.model import BaseModule
from torch import Tensor

from vlplugins.registry import MODELS


@MODELS.register_module()
class SkeletonSequenceBackbone(BaseModule):
    """Gives the joints of each frame, as one vector, to a branch such as :class:`DilatedContextIntegratedBranch`.

    Makes ``[N, M, T, V, C]``, the input of mmaction2's graph networks, to ``[N, M, d, T, 1]``, which ``GCNHead`` pools.
    Every frame counts as real.

    Args:
        branch: Config of a branch ``[B, T, V * C] -> [B, T, d]`` that takes a mask ``[B, T]``.
        init_cfg: MMEngine initialisation.
    """

    def __init__(self, branch: dict, init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        self.branch = MODELS.build(branch)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Features ``[N, M, d, T, 1]`` of ``keypoints [N, M, T, V, C]``.

        Raises:
            ValueError: an input without five axes.
        """
        if keypoints.dim() != 5:
            raise ValueError(f'keypoints {tuple(keypoints.shape)} are not [N, M, T, V, C]')
        frames = keypoints.flatten(3).flatten(0, 1)
        mask = torch.ones(frames.shape[:2], dtype=torch.bool, device=frames.device)
        features, _ = self.branch(frames, mask)
        return features.transpose(1, 2).unflatten(0, keypoints.shape[:2])[..., None]
