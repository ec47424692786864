"""Posture policies: from the angles of a seed pose to a distribution of angles, from which a new posture is drawn."""

import math
from typing import Optional, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.pose_generator.mlp import PoseMLP
from vlplugins.models.layers.pose_generator.propensity import (
    conditional_mixture_log_prob,
    mixture_log_prob,
    sample_truncated_normal,
    truncated_normal_log_prob,
    uniform_log_prob,
)
from vlplugins.registry import MODELS


class PosturePolicy(nn.Module):
    """A distribution of angles given a seed: a normal one for each angle, cut to the limits.

    A subclass gives mean and deviation. Angles are ``[N, D]`` in radians, limits ``[D]``, seed poses ``[N, 16, 3]``
    relative to the root. ``noise`` is what the policy drew beside the seed and is conditional on (``None`` here).
    """

    # Whether densities exist: a policy that leaves some angles as they are has none.
    has_density = True

    def distribution(
        self, angles: Tensor, poses: Tensor, low: Tensor, high: Tensor, noise: Optional[Tensor]
    ) -> Tuple[Tensor, Tensor]:
        """Mean and deviation ``[N, D]`` for seeds."""
        raise NotImplementedError

    def draw_noise(self, count: int, like: Tensor, generator: Optional[torch.Generator]) -> Optional[Tensor]:
        """Noise of the policy for so many samples."""
        return None

    def sample(
        self, angles: Tensor, poses: Tensor, low: Tensor, high: Tensor, generator: Optional[torch.Generator]
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """New angles ``[N, D]`` for seeds, and the noise that they were drawn with."""
        noise = self.draw_noise(len(angles), angles, generator)
        mean, std = self.distribution(angles, poses, low, high, noise)
        return sample_truncated_normal(mean, std, low, high, generator), noise

    def conditional_log_prob(
        self,
        values: Tensor,
        angles: Tensor,
        poses: Tensor,
        low: Tensor,
        high: Tensor,
        noise: Optional[Tensor],
        groups: int,
    ) -> Tensor:
        """Log density ``[N, groups]`` of values given the seed of each."""
        mean, std = self.distribution(angles, poses, low, high, noise)
        log_prob = truncated_normal_log_prob(values, mean, std, low, high)
        return log_prob.unflatten(1, (groups, -1)).sum(dim=2).float()

    def mixture_log_prob(
        self,
        values: Tensor,
        bank_angles: Tensor,
        bank_poses: Tensor,
        seed_index: Tensor,
        low: Tensor,
        high: Tensor,
        noise: Optional[Tensor],
        groups: int,
        generator: Optional[torch.Generator] = None,
        chunk: int = 1024,
    ) -> Tensor:
        """Log density ``[N, groups]`` of values when the seed is any of the bank ``[S, ...]`` alike."""
        mean, std = self.distribution(bank_angles, bank_poses, low, high, None)
        return mixture_log_prob(values, mean, std, low, high, groups, chunk)


@MODELS.register_module()
class FixedGaussianPolicy(PosturePolicy):
    """Turns every angle of the seed by normal noise of fixed width, cut to the limits.

    Args:
        sigma_deg: Deviation of azimuths, degrees.
        sigma_elev_deg: Deviation of elevations, degrees.
        mutate_prob: Chance that a bone is turned at all. Below 1 the angles of the seed keep a positive probability,
            so that there is no density and no weight (the evolution of Li et al., CVPR 2020, has 0.3 and 10 degrees).

    Raises:
        ValueError: a deviation of 0 or less, or a chance outside (0, 1].
    """

    def __init__(self, sigma_deg: float = 20.0, sigma_elev_deg: float = 20.0, mutate_prob: float = 1.0) -> None:
        super().__init__()
        if min(sigma_deg, sigma_elev_deg) <= 0 or not 0 < mutate_prob <= 1:
            raise ValueError(
                f'deviations {sigma_deg}, {sigma_elev_deg} must be above 0, and mutate_prob {mutate_prob} in (0, 1]'
            )
        self.mutate_prob = mutate_prob
        self.has_density = mutate_prob == 1
        std = torch.deg2rad(torch.tensor([sigma_deg, sigma_elev_deg]))
        self.register_buffer('std', std, persistent=False)

    def distribution(
        self, angles: Tensor, poses: Tensor, low: Tensor, high: Tensor, noise: Optional[Tensor]
    ) -> Tuple[Tensor, Tensor]:
        """The angles of the seed, and the fixed deviations."""
        return angles, self.std.repeat(angles.size(1) // 2).expand_as(angles)

    def sample(
        self, angles: Tensor, poses: Tensor, low: Tensor, high: Tensor, generator: Optional[torch.Generator]
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """New angles; bones that are not turned keep those of the seed."""
        values, noise = super().sample(angles, poses, low, high, generator)
        if self.mutate_prob == 1:
            return values, noise
        bones = (len(angles), angles.size(1) // 2)
        turned = torch.rand(bones, generator=generator, device=angles.device) < self.mutate_prob
        return torch.where(turned.repeat_interleave(2, dim=1), values, angles), noise


@MODELS.register_module()
class UniformPolicy(PosturePolicy):
    """Draws every angle uniformly between its limits, whatever the seed: the target distribution itself."""

    def sample(
        self, angles: Tensor, poses: Tensor, low: Tensor, high: Tensor, generator: Optional[torch.Generator]
    ) -> Tuple[Tensor, Optional[Tensor]]:
        """New angles."""
        share = torch.rand(angles.shape, generator=generator, device=angles.device, dtype=angles.dtype)
        return torch.minimum(low + share * (high - low), high), None

    def conditional_log_prob(
        self,
        values: Tensor,
        angles: Tensor,
        poses: Tensor,
        low: Tensor,
        high: Tensor,
        noise: Optional[Tensor],
        groups: int,
    ) -> Tensor:
        """The constant density of the box."""
        return uniform_log_prob(values, low, high, groups)

    def mixture_log_prob(
        self,
        values: Tensor,
        bank_angles: Tensor,
        bank_poses: Tensor,
        seed_index: Tensor,
        low: Tensor,
        high: Tensor,
        noise: Optional[Tensor],
        groups: int,
        generator: Optional[torch.Generator] = None,
        chunk: int = 1024,
    ) -> Tensor:
        """The constant density of the box."""
        return uniform_log_prob(values, low, high, groups)


@MODELS.register_module()
class MLPPosePolicy(PosturePolicy):
    """A network that shifts the angles of the seed and chooses the deviation, given the seed pose and noise.

    The trunk is that of PoseAug's generators; its outputs are our own. The shift of an angle is half its range times
    tanh; the deviation lies between two bounds (geometric, by a sigmoid). Noise is part of the policy: densities are
    conditional on it, and in the mixture every seed is evaluated with the noise of the sample. As that takes N x S
    evaluations, the mixture is over ``propensity_seeds`` seeds, drawn at random, and the sample's own.

    Args:
        noise: Numbers of noise.
        width: Channels.
        stages: Stages of two layers.
        num_angles: Angles ``D``; 2 for each movable bone of the codec.
        sigma_min_deg: Smallest deviation, degrees.
        sigma_max_deg: Largest deviation.
        propensity_seeds: Seeds of the mixture.

    Raises:
        ValueError: deviations that do not rise from above 0.
    """

    def __init__(
        self,
        noise: int = 48,
        width: int = 256,
        stages: int = 2,
        num_angles: int = 18,
        sigma_min_deg: float = 3.0,
        sigma_max_deg: float = 40.0,
        propensity_seeds: int = 64,
    ) -> None:
        super().__init__()
        if not 0 < sigma_min_deg < sigma_max_deg:
            raise ValueError(f'deviations {sigma_min_deg}, {sigma_max_deg} must rise from above 0')
        self.noise_dims, self.propensity_seeds = noise, propensity_seeds
        self.log_range = tuple(math.log(math.radians(degrees)) for degrees in (sigma_min_deg, sigma_max_deg))
        self.network = PoseMLP(48 + noise, 2 * num_angles, width, stages)

    def draw_noise(self, count: int, like: Tensor, generator: Optional[torch.Generator]) -> Optional[Tensor]:
        """Standard normal noise."""
        return torch.randn(count, self.noise_dims, generator=generator, device=like.device)

    def distribution(
        self, angles: Tensor, poses: Tensor, low: Tensor, high: Tensor, noise: Optional[Tensor]
    ) -> Tuple[Tensor, Tensor]:
        """Mean and deviation, differentiable in the weights."""
        shift, spread = self.network(torch.cat([poses.flatten(1), noise], dim=1)).float().chunk(2, dim=1)
        smallest, largest = self.log_range
        std = (smallest + (largest - smallest) * spread.sigmoid()).exp()
        return angles + 0.5 * (high - low) * shift.tanh(), std

    def mixture_log_prob(
        self,
        values: Tensor,
        bank_angles: Tensor,
        bank_poses: Tensor,
        seed_index: Tensor,
        low: Tensor,
        high: Tensor,
        noise: Optional[Tensor],
        groups: int,
        generator: Optional[torch.Generator] = None,
        chunk: int = 1024,
    ) -> Tensor:
        """Log density when the seed is one of a random choice of the bank, or the sample's own."""
        others = torch.randperm(len(bank_angles), generator=generator, device=values.device)
        others = others[: max(self.propensity_seeds - 1, 0)]
        found = []
        for z, own, drawn in zip(values.split(chunk), seed_index.split(chunk), noise.split(chunk)):
            index = torch.cat([own[:, None], others.expand(len(own), -1)], dim=1)
            repeated = drawn[:, None].expand(-1, index.size(1), -1).flatten(0, 1)
            flat = index.flatten()
            mean, std = self.distribution(bank_angles[flat], bank_poses[flat], low, high, repeated)
            mean, std = (each.unflatten(0, index.shape) for each in (mean, std))
            found.append(conditional_mixture_log_prob(z, mean, std, low, high, groups))
        return torch.cat(found)
