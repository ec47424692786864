"""Attention over the rows (time) and columns (joints) of a skeleton map."""

from typing import Tuple

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class JointTimeAttention(nn.Module):
    """Weighs a map by one factor for each channel and row, and one for each channel and column.

    The mean over columns describes the rows, the mean over rows the columns; one squeeze is shared by both, each has an
    excitation of its own. The time half is the learned side of key frames, the joint half that of key joints.

    Attention is among the keywords of AFE-CNN (arXiv 2208.03444); the form here is that of coordinate attention.

    Args:
        channels: Channels of the map.
        reduction: The squeeze has ``max(channels / reduction, 8)`` channels.
        joint: Weigh the columns.
        time: Weigh the rows.

    Raises:
        ValueError: both halves off, or a reduction below 1.
    """

    def __init__(self, channels: int, reduction: int = 4, joint: bool = True, time: bool = True) -> None:
        super().__init__()
        if not (joint or time):
            raise ValueError('JointTimeAttention weighs neither joints nor time; use attention=None to leave it out')
        if reduction < 1:
            raise ValueError(f'reduction {reduction} must be at least 1')
        hidden = max(channels // reduction, 8)
        self.squeeze = nn.Sequential(
            nn.Conv1d(channels, hidden, 1, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True)
        )
        self.time = nn.Conv1d(hidden, channels, 1) if time else None
        self.joint = nn.Conv1d(hidden, channels, 1) if joint else None

    def weights(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """Factors, 0..1, of a map ``[N, C, T, V]``: ``[N, C, T, 1]`` and ``[N, C, 1, V]``; 1 for no factor."""
        of_time, of_joints = self._factors(x)
        samples, channels, length, joints = x.shape
        return of_time.expand(samples, channels, length, 1), of_joints.expand(samples, channels, 1, joints)

    def _factors(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        """As :meth:`weights`, with a scalar 1 for a half that is off."""
        length = x.size(2)
        described = self.squeeze(torch.cat([x.mean(dim=3), x.mean(dim=2)], dim=2))
        rows, columns = described[..., :length], described[..., length:]
        of_time = x.new_ones(()) if self.time is None else self.time(rows).sigmoid().unsqueeze(3)
        of_joints = x.new_ones(()) if self.joint is None else self.joint(columns).sigmoid().unsqueeze(2)
        return of_time, of_joints

    def forward(self, x: Tensor) -> Tensor:
        """Weigh a map ``[N, C, T, V]``; same shape."""
        of_time, of_joints = self._factors(x)
        return x * of_time * of_joints
