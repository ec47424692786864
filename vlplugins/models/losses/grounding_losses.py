"""Losses of temporal grounding with latent correspondences."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS


@MODELS.register_module()
class ScaledIoUBCELoss(nn.Module):
    """Binary cross-entropy with the overlap as soft label: ``y = clamp((IoU - t_min) / (t_max - t_min), 0, 1)``.

    The mean over the valid segments of the batch, in single precision (2D-TAN, Zhang et al., AAAI 2020). Two processes
    give the loss of one only where both have as many valid segments, which is so where the map is the same.

    Args:
        t_min: Overlap up to which y is 0.
        t_max: Overlap from which y is 1.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: ``t_max`` not above ``t_min``.
    """

    def __init__(self, t_min: float = 0.5, t_max: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        if t_max <= t_min:
            raise ValueError(f't_max {t_max} must be above t_min {t_min}')
        self.t_min, self.t_max, self.loss_weight = t_min, t_max, loss_weight

    def forward(self, logits: Tensor, ious: Tensor, mask: Tensor) -> Tensor:
        """Compare ``logits [B, P, P]`` with overlaps ``[B, P, P]`` where ``mask [P, P]`` is true; a scalar."""
        labels = ((ious.float() - self.t_min) / (self.t_max - self.t_min)).clamp(0, 1)
        losses = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction='none') * mask
        return self.loss_weight * losses.sum() / (mask.sum() * len(logits))


@MODELS.register_module()
class DiagonalGaussianKL(nn.Module):
    """``KL(q || p) = (lv_p - lv_q + (exp(lv_q) + (mu_q - mu_p)^2) / exp(lv_p) - 1) / 2`` of Gaussians entry by entry.

    The mean over the valid entries of a sample, then over the samples that have any; in single precision.

    Args:
        free_bits: Least value of an entry, in nats.
        loss_weight: Factor of the loss.
    """

    def __init__(self, free_bits: float = 0.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.free_bits, self.loss_weight = free_bits, loss_weight

    def forward(self, posterior: tuple, prior: tuple, mask: Tensor) -> Tensor:
        """Compare two Gaussians; a scalar.

        Args:
            posterior: Mean and logarithm of the variance, ``[B, M, N]`` each.
            prior: The same.
            mask: Booleans ``[B, M, N]``.
        """
        (mu_q, lv_q), (mu_p, lv_p) = ([each.float() for each in pair] for pair in (posterior, prior))
        divergence = 0.5 * (lv_p - lv_q + (lv_q.exp() + (mu_q - mu_p) ** 2) * (-lv_p).exp() - 1)
        divergence = divergence.clamp(min=self.free_bits) if self.free_bits > 0 else divergence
        return self.loss_weight * _mean_of_samples(divergence.flatten(1), mask.flatten(1))


@MODELS.register_module()
class CorrespondenceGuideLoss(nn.Module):
    """``-log(1e-6 + sum_t y_t e_i(t))``: what corresponds to a word lies inside the true segment.

    The mean over the valid nodes of a sample, then over the samples that have any; in single precision.

    Args:
        loss_weight: Factor of the loss.
    """

    def __init__(self, loss_weight: float = 0.1) -> None:
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, evidence: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
        """Judge ``evidence [B, M, P]`` by the share ``inside [B, P]`` of each position; ``mask [B, M]``; a scalar."""
        mass = (evidence.float() * inside.float()[:, None]).sum(dim=-1)
        return self.loss_weight * _mean_of_samples(-torch.log(1e-6 + mass), mask)


def _mean_of_samples(values: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``values [B, X]`` over the true entries of each row, then over rows that have any."""
    counts = mask.sum(dim=1)
    means = (values * mask).sum(dim=1) / counts.clamp(min=1)
    return means.sum() / (counts > 0).sum().clamp(min=1)
