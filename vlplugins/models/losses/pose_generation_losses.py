"""Losses of an adversarial pose generator (PoseAug, Gong, Zhang and Feng, CVPR 2021, and its code)."""

from typing import Sequence

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS

# Of the 16 joints of Human3.6M: how much an error counts, and the groups that errors are averaged in, by distance from
# the torso.
JOINT_WEIGHTS = (1, 5, 2, 1, 5, 2, 1, 1, 1, 1, 5, 2, 1, 5, 2, 1)
JOINT_GROUPS = ((1, 4, 10, 13), (2, 5, 9, 11, 14), (3, 6, 12, 15))


@MODELS.register_module()
class LSGANLoss(nn.Module):
    """Least squares between raw scores and 1 or 0.

    Args:
        loss_weight: Factor.
    """

    def __init__(self, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Loss of the discriminator: real scores to 1, fake ones to 0."""
        return self.loss_weight * 0.5 * ((real - 1).square().mean() + fake.square().mean())

    def generator(self, fake: Tensor) -> Tensor:
        """Loss of the generator: fake scores to 1 (the half that has a gradient)."""
        return self.loss_weight * 0.5 * (fake - 1).square().mean()


@MODELS.register_module()
class AngleRangeLoss(nn.Module):
    """Keeps the change of a posture within a band, and the change of bone lengths small.

    With ``m`` the mean over bones of one minus the cosine between old and new bone, ``(m - centre)^2`` where it is off
    the centre by more than ``tolerance``; plus the squares of ratios beyond ``max_ratio``; means over what is there.

    Args:
        centre: Wanted change.
        tolerance: Change to either side that costs nothing.
        max_ratio: Ratio that costs nothing.
        loss_weight: Factor.
    """

    def __init__(
        self, centre: float = 0.205, tolerance: float = 0.165, max_ratio: float = 0.1, loss_weight: float = 3.0
    ) -> None:
        super().__init__()
        self.centre, self.tolerance, self.max_ratio, self.loss_weight = centre, tolerance, max_ratio, loss_weight

    def forward(self, old: Tensor, new: Tensor, ratios: Tensor) -> Tensor:
        """Scalar, of bones ``[N, 15, 3]`` before and after, and ratios ``[N, 9]``."""
        cosine = torch.cosine_similarity(old, new, dim=-1)
        off = (1 - cosine).mean(dim=1) - self.centre
        posture = torch.where(off.abs() > self.tolerance, off.square(), torch.zeros_like(off)).mean()
        size = torch.where(ratios.abs() > self.max_ratio, ratios.square(), torch.zeros_like(ratios)).mean()
        return self.loss_weight * (posture + size)


@MODELS.register_module()
class HardnessFeedbackLoss(nn.Module):
    """Wants generated poses to be harder for the lifter than their seeds, by a ratio.

    The error of a pose is the distance at each joint times its weight, averaged in three groups of joints; the ratio of
    the errors of generated pose and seed should be ``hard_ratio``: ``(ratio - hard_ratio)^2`` where that is more than
    ``tolerance^2``, averaged.

    Args:
        hard_ratio: Wanted ratio; a hook may change it.
        tolerance: Difference that costs nothing.
        loss_weight: Factor.
    """

    def __init__(self, hard_ratio: float = 3.0, tolerance: float = 2.0, loss_weight: float = 0.1) -> None:
        super().__init__()
        self.hard_ratio, self.tolerance, self.loss_weight = hard_ratio, tolerance, loss_weight
        self.register_buffer('joint_weights', torch.tensor(JOINT_WEIGHTS).float(), persistent=False)

    def group_errors(self, predicted: Tensor, target: Tensor, groups: Sequence = JOINT_GROUPS) -> Tensor:
        """Errors ``[N, 3]`` of poses ``[N, 16, 3]``."""
        errors = (predicted - target).norm(dim=-1) * self.joint_weights
        return torch.stack([errors[:, list(group)].mean(dim=1) for group in groups], dim=1)

    def forward(self, fake: Tensor, fake_target: Tensor, real: Tensor, real_target: Tensor) -> Tensor:
        """Scalar, of predictions and targets ``[N, 16, 3]`` of generated poses and of their seeds."""
        # The seed's error is what the generated one is measured by; it has no gradient.
        base = self.group_errors(real, real_target).detach().clamp(min=1e-6)
        off = (self.group_errors(fake, fake_target) / base - self.hard_ratio).square()
        return self.loss_weight * torch.where(off > self.tolerance**2, off, torch.zeros_like(off)).mean()
