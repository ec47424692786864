"""Discriminators of poses in space and on the screen (PoseAug, CVPR 2021, and its code), and the pool of old fakes."""

from typing import Optional

import torch
from torch import Tensor, nn
from torch.nn import functional

from vlplugins.models.layers.pose_generator.bones import PARENTS
from vlplugins.models.layers.pose_generator.codec import unit
from vlplugins.registry import MODELS

# Bones of the arms, of the legs, and of torso and head.
PART_BONES = ((7, 9, 10, 11), (7, 12, 13, 14), (0, 1, 2, 3, 6), (0, 3, 4, 5, 6), (0, 3, 6, 7, 8, 9, 12))
_SLOPE = 0.01


class _PartPath(nn.Module):
    """225 numbers of one part to its score."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(225, width), nn.Linear(width, width)
        self.third, self.fourth, self.last = nn.Linear(width, width), nn.Linear(width, 100), nn.Linear(100, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Raw scores ``[N, 1]`` of products of bones ``[N, 225]``."""
        first = functional.leaky_relu(self.first(inputs), _SLOPE)
        second = functional.leaky_relu(self.second(first), _SLOPE)
        third = self.third(second) + first
        return self.last(functional.leaky_relu(self.fourth(third), _SLOPE))


@MODELS.register_module()
class PartKCSDiscriminator(nn.Module):
    """Judges five parts of a pose by the angles between their bones.

    With ``B`` the unit bones ``[15, 3]``, those of other parts set to 0, each part sees ``B B^T``; neither place and
    size nor heading of the body is visible.

    Args:
        width: Channels.
    """

    def __init__(self, width: int = 256) -> None:
        super().__init__()
        self.paths = nn.ModuleList([_PartPath(width) for _ in PART_BONES])
        masks = torch.zeros(len(PART_BONES), 15)
        for mask, bones in zip(masks, PART_BONES):
            mask[list(bones)] = 1
        self.register_buffer('masks', masks, persistent=False)
        self.register_buffer('parents', torch.tensor(PARENTS), persistent=False)

    def forward(self, poses: Tensor) -> Tensor:
        """Raw scores ``[N, 5]`` of poses ``[N, 16, 3]``."""
        bones = unit(poses[:, 1:] - poses[:, self.parents])
        parts = bones[:, None] * self.masks[:, :, None]
        chains = (parts @ parts.transpose(-1, -2)).flatten(2)
        return torch.cat([path(chains[:, index]) for index, path in enumerate(self.paths)], dim=1)


@MODELS.register_module()
class Pose2DDiscriminator(nn.Module):
    """Judges a pose on the screen.

    Args:
        width: Channels.
    """

    def __init__(self, width: int = 100) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Linear(32, width), nn.Linear(width, width), nn.Linear(width, width)
        self.fourth, self.last = nn.Linear(width, width), nn.Linear(width, 1)

    def forward(self, poses: Tensor) -> Tensor:
        """Raw scores ``[N, 1]`` of poses ``[N, 16, 2]``."""
        first = functional.leaky_relu(self.first(poses.flatten(1)), _SLOPE)
        second = functional.leaky_relu(self.second(first), _SLOPE)
        third = functional.leaky_relu(self.third(second) + first, _SLOPE)
        return self.last(self.fourth(third))


class HistoryPool(nn.Module):
    """Mixes new fakes with old ones: each is exchanged for a stored one with a chance of one half.

    Until it is full it keeps what comes and returns it. Nothing of it is saved.

    Args:
        size: Fakes that are stored.
    """

    def __init__(self, size: int = 4096) -> None:
        super().__init__()
        if size < 1:
            raise ValueError(f'size {size} must be at least 1')
        self.size, self.filled = size, 0
        self.register_buffer('stored', None, persistent=False)

    @torch.no_grad()
    def forward(self, fakes: Tensor, generator: Optional[torch.Generator] = None) -> Tensor:
        """Fakes ``[N, ...]`` to exchange; the result has no gradient."""
        fakes = fakes.detach()
        if self.stored is None:
            self.stored = fakes.new_zeros(self.size, *fakes.shape[1:])
        room = min(self.size - self.filled, len(fakes))
        self.stored[self.filled : self.filled + room] = fakes[:room]
        self.filled += room
        rest = fakes[room:]
        if not len(rest):
            return fakes
        # Different places, so that none is taken twice; more fakes than places cannot all be exchanged.
        places = torch.randperm(self.size, generator=generator, device=fakes.device)[: len(rest)]
        swap = torch.rand(len(places), generator=generator, device=fakes.device) < 0.5
        swap = swap.view(-1, *[1] * (fakes.dim() - 1))
        old, new = self.stored[places], rest[: len(places)]
        self.stored[places] = torch.where(swap, new, old)
        return torch.cat([fakes[:room], torch.where(swap, old, new), rest[len(places) :]])
