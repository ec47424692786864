"""Counterfactual risk: the loss under a target distribution, from samples of another one whose density is known."""

from typing import Dict, Optional

import torch
from torch import Tensor, nn

from vlplugins.registry import MODELS
from vlplugins.utils.distributed import gather, gather_with_grad

_ESTIMATORS = ('snips', 'ips', 'mean')


@MODELS.register_module()
class CounterfactualRiskLoss(nn.Module):
    """Weighted mean of losses with a penalty on its variance (counterfactual risk minimisation).

    With losses ``d_i``, weights ``W_i = min(clip, w_i)`` and n samples:

    - ``'ips'``: ``R = sum(W d) / n``, ``V = sum((W d - R)^2) / (n - 1)`` (POEM, Swaminathan and Joachims, ICML 2015);
    - ``'snips'``: ``R = sum(W d) / sum(W)``, ``V = sum((W (d - R) / mean W)^2) / (n - 1)`` (the self-normalised
      estimator, NIPS 2015, with the variance of the delta method);
    - ``'mean'``: weights are not used: ``'ips'`` with ``W = 1``.

    The loss is ``R + var_weight sqrt(V / n + eps)``. The gradient flows through the losses in both terms, never through
    weights. POEM has losses in [-1, 0], for which clipping is conservative; here they are positive, so that clipping
    underestimates what rare samples lose. Over several processes all sums are of the joined batch.

    Args:
        estimator: ``'snips'``, ``'ips'`` or ``'mean'``.
        clip: Largest weight; ``None`` for no limit.
        var_weight: Factor of the penalty.
        eps: Added to the variance under the root.
        sync: Join the samples of all processes.
        loss_weight: Factor of both terms.

    Raises:
        ValueError: an unknown estimator, or a clip of 0 or less.
    """

    def __init__(
        self,
        estimator: str = 'snips',
        clip: Optional[float] = 10.0,
        var_weight: float = 0.1,
        eps: float = 1e-12,
        sync: bool = True,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if estimator not in _ESTIMATORS:
            raise ValueError(f'estimator {estimator!r} must be one of {_ESTIMATORS}')
        if clip is not None and clip <= 0:
            raise ValueError(f'clip {clip} must be above 0, or None')
        self.estimator, self.clip, self.var_weight = estimator, clip, var_weight
        self.eps, self.sync, self.loss_weight = eps, sync, loss_weight

    def forward(self, losses: Tensor, weights: Tensor, valid: Optional[Tensor] = None) -> Dict[str, Tensor]:
        """Risk and penalty.

        Args:
            losses: ``[N]``, one for each sample.
            weights: ``[N]``.
            valid: ``[N]``, True for the samples that count; by default all.

        Returns:
            ``loss_crm_risk`` and ``loss_crm_var`` (scalars, 0 where no sample counts), and for the log ``crm/ess``,
            ``crm/clipped_frac`` and ``crm/max_weight``.
        """
        losses, weights = losses.float(), weights.detach().float()
        valid = torch.ones_like(weights, dtype=torch.bool) if valid is None else valid
        if self.sync:
            losses, weights, valid = gather_with_grad(losses), gather(weights), gather(valid)
        counts = valid.to(losses.dtype)
        losses = torch.where(valid, losses, torch.zeros_like(losses))
        raw = torch.where(valid, weights, torch.zeros_like(weights))
        bounded = counts if self.estimator == 'mean' else raw if self.clip is None else raw.clamp(max=self.clip)
        risk, variance = self._estimate(losses, bounded, counts)
        count = counts.sum().clamp(min=1)
        # With one sample there is no variance, and the root has no gradient that would mean anything.
        penalty = torch.where(counts.sum() > 1, (variance / count + self.eps).sqrt(), risk.new_zeros(()))
        return {
            'loss_crm_risk': self.loss_weight * risk,
            'loss_crm_var': self.loss_weight * self.var_weight * penalty,
            **self._log(raw, bounded, count),
        }

    def _estimate(self, losses: Tensor, weights: Tensor, counts: Tensor) -> tuple:
        count = counts.sum().clamp(min=1)
        if self.estimator == 'snips':
            total = weights.sum().clamp(min=1e-30)
            risk = (weights * losses).sum() / total
            residuals = weights * (losses - risk) * (count / total)
        else:
            risk = (weights * losses).sum() / count
            residuals = counts * (weights * losses - risk)
        return risk, residuals.square().sum() / (count - 1).clamp(min=1)

    def _log(self, raw: Tensor, bounded: Tensor, count: Tensor) -> Dict[str, Tensor]:
        largest = bounded.amax() if len(bounded) else bounded.new_zeros(())
        shares = bounded / largest.clamp(min=1e-30)
        clipped = (raw > bounded).float().sum() / count if self.estimator != 'mean' else raw.new_zeros(())
        return {
            'crm/ess': shares.sum().square() / (count * shares.square().sum()).clamp(min=1e-30),
            'crm/clipped_frac': clipped,
            'crm/max_weight': raw.amax() if len(raw) else largest,
        }
