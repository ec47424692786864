"""Size of a generated body, and the view that it is seen from."""

import math
from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.pose_generator.camera import rotations_about
from vlplugins.models.layers.pose_generator.mlp import PoseMLP
from vlplugins.models.layers.pose_generator.propensity import sample_truncated_normal
from vlplugins.registry import MODELS

NUM_RATIOS = 9
# Which ratio scales each bone; both sides have the same: hip, thigh, shank, two of the spine, head, shoulder, arms.
RATIO_OF_BONE = (0, 1, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 6, 7, 8)
Size = Tuple[Tensor, Tensor]


def scale_bones(lengths: Tensor, ratios: Tensor) -> Tensor:
    """Lengths ``[N, 15]`` times one plus the ratios ``[N, 9]``."""
    return lengths * (1 + ratios[:, list(RATIO_OF_BONE)])


def _free_ratios(frozen: Sequence[int]) -> Tensor:
    """1 for each ratio that may change, 0 for the others."""
    free = torch.ones(NUM_RATIOS)
    free[list(frozen)] = 0
    return free


@MODELS.register_module()
class BoneLengthSampler(nn.Module):
    """Changes bones by ratios that both sides share, normal and cut.

    The nine ratios, their limit and the frozen one are PoseAug's (with a free spine a tall person far away looks like
    a short one near by); the distribution is our own.

    Args:
        limit: Largest ratio.
        std: Deviation of a ratio.
        frozen: Ratios that stay 0.
    """

    def __init__(self, limit: float = 0.2, std: float = 0.1, frozen: Sequence[int] = (4,)) -> None:
        super().__init__()
        if limit <= 0 or std <= 0:
            raise ValueError(f'limit {limit} and std {std} must be above 0')
        self.limit, self.std = limit, std
        self.register_buffer('free', _free_ratios(frozen), persistent=False)

    def forward(
        self, lengths: Tensor, bank_lengths: Tensor, poses: Tensor, generator: Optional[torch.Generator] = None
    ) -> Size:
        """New lengths ``[N, 15]`` and ratios ``[N, 9]`` of bodies with lengths ``[N, 15]``."""
        zero = lengths.new_zeros(len(lengths), NUM_RATIOS)
        one = lengths.new_ones(1)
        ratios = sample_truncated_normal(zero, self.std * one, -self.limit * one, self.limit * one, generator)
        ratios = ratios * self.free
        return scale_bones(lengths, ratios), ratios


@MODELS.register_module()
class MLPBoneLengthSampler(nn.Module):
    """Ratios from a network that sees pose and noise (PoseAug); see :class:`BoneLengthSampler`.

    Args:
        limit: Largest ratio.
        noise: Numbers of noise.
        width: Channels.
        frozen: Ratios that stay 0.
    """

    def __init__(self, limit: float = 0.2, noise: int = 48, width: int = 256, frozen: Sequence[int] = (4,)) -> None:
        super().__init__()
        self.limit, self.noise_dims = limit, noise
        self.network = PoseMLP(48 + noise, NUM_RATIOS, width)
        self.register_buffer('free', _free_ratios(frozen), persistent=False)

    def forward(
        self, lengths: Tensor, bank_lengths: Tensor, poses: Tensor, generator: Optional[torch.Generator] = None
    ) -> Size:
        """New lengths and ratios."""
        noise = torch.randn(len(poses), self.noise_dims, generator=generator, device=poses.device)
        ratios = self.network(torch.cat([poses.flatten(1), noise], dim=1)).float().tanh() * self.limit * self.free
        return scale_bones(lengths, ratios), ratios


@MODELS.register_module()
class BoneLengthSwap(nn.Module):
    """Gives a body the 15 lengths of another seed, drawn at random (PoseAug)."""

    def forward(
        self, lengths: Tensor, bank_lengths: Tensor, poses: Tensor, generator: Optional[torch.Generator] = None
    ) -> Size:
        """New lengths ``[N, 15]``, and ratios ``[N, 9]`` of 0."""
        rows = torch.randint(len(bank_lengths), (len(lengths),), generator=generator, device=lengths.device)
        return bank_lengths[rows], lengths.new_zeros(len(lengths), NUM_RATIOS)


@MODELS.register_module()
class ViewSampler(nn.Module):
    """Turns a body about its own upright axis, tilts it, and places it before the camera (our own choice).

    Args:
        depth: Range of the distance of the root in metres.
        yaw_deg: Largest turn to either side about the up axis.
        pitch_std_deg: Deviation of the tilt about the camera's x axis.
        roll_std_deg: Deviation of the tilt about the camera's z axis.
        root_std: Deviations in metres of the root's x and y; ``None``: mean and deviation are those of the seeds.
        axis: ``'body'``: the up axis is that of the lower torso; ``'camera'``: it is the camera's upright.

    Raises:
        ValueError: a range of depth that does not rise from above 0, or an unknown axis.
    """

    def __init__(
        self,
        depth: Tuple[float, float] = (3.0, 7.0),
        yaw_deg: float = 180.0,
        pitch_std_deg: float = 15.0,
        roll_std_deg: float = 5.0,
        root_std: Optional[Tuple[float, float]] = None,
        axis: str = 'body',
    ) -> None:
        super().__init__()
        if not 0 < depth[0] < depth[1]:
            raise ValueError(f'depth {tuple(depth)} must rise from above 0')
        if axis not in ('body', 'camera'):
            raise ValueError(f"axis {axis!r} must be 'body' or 'camera'")
        self.depth, self.axis, self.root_std = tuple(depth), axis, root_std
        self.angles = tuple(math.radians(each) for each in (yaw_deg, pitch_std_deg, roll_std_deg))

    def forward(
        self, poses: Tensor, up: Tensor, bank_roots: Tensor, generator: Optional[torch.Generator] = None
    ) -> Tensor:
        """Poses ``[N, 16, 3]`` relative to the root to poses in camera space.

        Args:
            poses: The poses.
            up: ``[N, 3]``, up axis of each body in camera space.
            bank_roots: ``[S, 3]``, roots of the seeds in camera space.
            generator: Source of randomness.
        """
        count, options = len(poses), dict(generator=generator, device=poses.device, dtype=poses.dtype)
        yaw, pitch, roll = self.angles
        if self.axis == 'camera':
            up = poses.new_tensor((0.0, -1.0, 0.0)).expand(count, 3)
        turn = rotations_about(up, yaw * (2 * torch.rand(count, **options) - 1))
        for axis, std in (((1.0, 0.0, 0.0), pitch), ((0.0, 0.0, 1.0), roll)):
            turn = rotations_about(poses.new_tensor(axis).expand(count, 3), std * torch.randn(count, **options)) @ turn
        return poses @ turn.transpose(1, 2) + self._place(count, bank_roots, options)[:, None]

    def _place(self, count: int, bank_roots: Tensor, options: dict) -> Tensor:
        """Roots ``[N, 3]`` in camera space."""
        if self.root_std is not None:
            std = torch.tensor(self.root_std, device=bank_roots.device, dtype=bank_roots.dtype)
            mean = torch.zeros_like(std)
        else:
            mean, std = bank_roots[:, :2].mean(dim=0), bank_roots[:, :2].std(dim=0, unbiased=False)
        near, far = self.depth
        sides = mean + std * torch.randn(count, 2, **options)
        return torch.cat([sides, near + (far - near) * torch.rand(count, 1, **options)], dim=1)


@MODELS.register_module()
class MLPViewSampler(nn.Module):
    """Rotation and place from two networks that see pose and noise (PoseAug).

    The rotation vector is pi times tanh; the depth is a square, hence not negative.

    Args:
        noise: Numbers of noise of each network.
        width: Channels.
    """

    def __init__(self, noise: int = 48, width: int = 256) -> None:
        super().__init__()
        self.noise_dims = noise
        self.rotation, self.translation = PoseMLP(48 + noise, 3, width), PoseMLP(48 + noise, 3, width)

    def forward(
        self, poses: Tensor, up: Tensor, bank_roots: Tensor, generator: Optional[torch.Generator] = None
    ) -> Tensor:
        """As :meth:`ViewSampler.forward`, differentiable in the weights."""
        found = []
        for network in (self.rotation, self.translation):
            noise = torch.randn(len(poses), self.noise_dims, generator=generator, device=poses.device)
            found.append(network(torch.cat([poses.flatten(1), noise], dim=1)).float())
        vector, place = math.pi * found[0].tanh(), found[1]
        angle = vector.square().sum(dim=1).clamp(min=1e-12).sqrt()
        turn = rotations_about(vector / angle[:, None], angle)
        place = torch.cat([place[:, :2], place[:, 2:].square()], dim=1)
        return poses @ turn.transpose(1, 2) + place[:, None]
