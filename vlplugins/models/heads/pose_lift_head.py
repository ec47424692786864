"""Head of pose lifters."""

from typing import Optional, Tuple

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class PoseLiftHead(BaseModule):
    """Joints in space from the last map of a backbone.

    Args:
        in_channels: Channels of the map ``[N, C, 1]``; ``None``: the backbone gives the joints ``[N, V, 3]`` itself.
        num_joints: Joints of the pose.
        pad_root: Predict all but the first joint, which is the root and zero.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        in_channels: Optional[int] = None,
        num_joints: int = 16,
        pad_root: bool = True,
        init_cfg: Optional[dict] = None,
    ) -> None:
        super().__init__(init_cfg)
        self.num_joints, self.pad_root = num_joints, pad_root
        predicted = num_joints - 1 if pad_root else num_joints
        self.conv = None if in_channels is None else nn.Conv1d(in_channels, 3 * predicted, 1)

    def forward(self, feats: Tuple[Tensor, ...]) -> Tensor:
        """``[N, V, 3]`` metres, of the maps of a backbone."""
        if self.conv is None:
            return feats[-1]
        joints = self.conv(feats[-1])
        joints = joints.reshape(len(joints), -1, 3)
        if not self.pad_root:
            return joints
        return torch.cat([joints.new_zeros(len(joints), 1, 3), joints], dim=1)
