"""Losses whose targets are interactions (LOUPE, Li et al., NeurIPS 2022).

The published material leaves out how interactions become targets; what is chosen here is an argument of each loss.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS


def region_targets(
    interactions: Tensor, sizes: Tensor, region_mask: Tensor, phrase_mask: Tensor, size_normalise: bool = True
) -> Tensor:
    """How much each box is a region: the greatest, over phrases, of its share of the best box of the phrase.

    Without the division by the best of each phrase a small object beside a large one would never be a region.

    Args:
        interactions: ``[B, R, P]``, of each box in the game of each phrase.
        sizes: ``[B, R]``, patches of each box, at least 1.
        region_mask: ``[B, R]`` booleans.
        phrase_mask: ``[B, P]`` booleans.
        size_normalise: Divide interactions by the size: the tight box has the most for each patch.

    Returns:
        ``[B, R]`` in 0..1, without gradient; all 0 where nothing cooperates, and at padding.
    """
    valid = region_mask[:, :, None] & phrase_mask[:, None]
    gains = torch.where(valid, interactions.detach().float(), 0.0).clamp(min=0)
    if size_normalise:
        gains = gains / sizes[..., None].clamp(min=1)
    best = gains.amax(dim=1, keepdim=True)
    # Turned so that interactions that are no numbers give targets that are none.
    return torch.where(best <= 0, 0.0, gains / best.clamp(min=torch.finfo(gains.dtype).tiny)).amax(dim=2)


@MODELS.register_module()
class TokenShapleyLoss(nn.Module):
    """Token-level alignment L_TSA: cross-entropy of the confidence of boxes with :func:`region_targets`.

    Args:
        size_normalise: Of :func:`region_targets`.
        loss_weight: Factor of the loss.
    """

    def __init__(self, size_normalise: bool = True, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.size_normalise, self.loss_weight = size_normalise, loss_weight

    def targets(self, interactions: Tensor, sizes: Tensor, region_mask: Tensor, phrase_mask: Tensor) -> Tensor:
        """Targets ``[B, R]``; see :func:`region_targets`."""
        return region_targets(interactions, sizes, region_mask, phrase_mask, self.size_normalise)

    def forward(self, logits: Tensor, targets: Tensor, region_mask: Tensor) -> Tensor:
        """Mean over the images with a box of the mean over their boxes; a zero with gradient where there is none.

        Args:
            logits: ``[B, R]``, of the confidence; those at padding may be NaN.
            targets: ``[B, R]`` in 0..1.
            region_mask: ``[B, R]`` booleans.

        Returns:
            A scalar.
        """
        logits = torch.where(region_mask, logits.float(), 0.0)
        losses = F.binary_cross_entropy_with_logits(logits, targets.detach(), reduction='none')
        counts = region_mask.sum(dim=1)
        per_image = torch.where(region_mask, losses, 0.0).sum(dim=1) / counts.clamp(min=1)
        return self.loss_weight * per_image.sum() / (counts > 0).sum().clamp(min=1)


@MODELS.register_module()
class SemanticShapleyLoss(nn.Module):
    """Semantics-level alignment L_FSA: interactions of regions and phrases as soft labels of their alignment.

    ``-1/(M N) sum_ij I'_ij log A~_ij`` with ``I'`` the positive interactions of a region, normalised over the phrases.
    A region without any has no label.

    Args:
        normalise: ``'row_sum'``: labels of a region sum to one; ``'max'``: the greatest is one.
        symmetric: Also from phrases to regions, and take the mean of both.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: an unknown ``normalise``.
    """

    def __init__(self, normalise: str = 'row_sum', symmetric: bool = True, loss_weight: float = 1.0) -> None:
        super().__init__()
        if normalise not in ('row_sum', 'max'):
            raise ValueError(f"normalise {normalise!r} is unknown; expected 'row_sum' or 'max'")
        self.normalise, self.symmetric, self.loss_weight = normalise, symmetric, loss_weight

    def labels(self, interactions: Tensor, valid: Tensor, dim: int) -> Tensor:
        """Labels ``[B, M, N]`` of ``interactions [B, M, N]`` along ``dim``, without gradient."""
        gains = torch.where(valid, interactions.detach().float(), 0.0).clamp(min=0)
        total = gains.sum(dim=dim, keepdim=True) if self.normalise == 'row_sum' else gains.amax(dim=dim, keepdim=True)
        return torch.where(total > 0, gains / total.clamp(min=torch.finfo(gains.dtype).tiny), 0.0)

    def forward(
        self,
        log_to_phrases: Tensor,
        log_to_regions: Tensor,
        interactions: Tensor,
        region_mask: Tensor,
        phrase_mask: Tensor,
    ) -> Tensor:
        """Mean over the images with a region and a phrase; a zero with gradient where there is none.

        Args:
            log_to_phrases: ``[B, M, N]``, log A~, finite at padding.
            log_to_regions: ``[B, M, N]``, log A^, finite at padding.
            interactions: ``[B, M, N]``; those at padding may be NaN.
            region_mask: ``[B, M]`` booleans.
            phrase_mask: ``[B, N]`` booleans.

        Returns:
            A scalar.
        """
        valid = region_mask[:, :, None] & phrase_mask[:, None]
        total = self.labels(interactions, valid, 2) * log_to_phrases.float()
        if self.symmetric:
            total = (total + self.labels(interactions, valid, 1) * log_to_regions.float()) / 2
        pairs = valid.sum(dim=(1, 2))
        per_image = -total.sum(dim=(1, 2)) / pairs.clamp(min=1)
        return self.loss_weight * per_image.sum() / (pairs > 0).sum().clamp(min=1)


@MODELS.register_module()
class UncertaintyRegressionLoss(nn.Module):
    """``exp(-s) (I_hat - I)^2 + beta s``: an estimate and the log of its uncertainty (after Kendall and Gal, 2017).

    For an error e the best s is ``log(e^2 / beta)``.

    Args:
        beta: Price of uncertainty. Positive.
        limits: s is clamped to these: without an error it would fall for ever.
        loss_weight: Factor of the loss.
    """

    def __init__(self, beta: float = 0.1, limits: tuple = (-6.0, 6.0), loss_weight: float = 1.0) -> None:
        super().__init__()
        if not beta > 0:
            raise ValueError(f'beta {beta} must be positive')
        self.beta, self.limits, self.loss_weight = beta, limits, loss_weight

    def forward(self, estimates: Tensor, log_uncertainty: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        """Mean over the true entries of ``mask``; a zero with gradient where there is none.

        Args:
            estimates: I_hat, any shape.
            log_uncertainty: s, of the same shape.
            targets: I, of the same shape; not read where the mask is false.
            mask: Booleans of the same shape.

        Returns:
            A scalar.
        """
        s = log_uncertainty.float().clamp(*self.limits)
        errors = estimates.float() - torch.where(mask, targets.detach().float(), 0.0)
        losses = (-s).exp() * errors.square() + self.beta * s
        return self.loss_weight * torch.where(mask, losses, 0.0).sum() / mask.sum().clamp(min=1)
