"""When an estimate of an interaction is trusted, and when it is sampled."""

import math
from typing import Callable, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.neural_shapley import LOG_UNCERTAINTY
from vlplugins.models.layers.step_counter import StepCounter
from vlplugins.registry import MODELS

_MODES = ('hybrid', 'sampled', 'neural')


class HybridResult(NamedTuple):
    """Interactions, and how an estimator learns from them.

    Attributes:
        interactions: ``[B, C, *games]``, without gradient.
        loss: Of the estimator, a scalar.
        logs: ``sample_ratio``: share of the interactions that were sampled; ``mae``: mean error of the estimates
            of those.
    """

    interactions: Tensor
    loss: Tensor
    logs: Dict[str, Tensor]


@MODELS.register_module()
class HybridShapley(nn.Module):
    """Trusts an estimator where it is sure, and samples elsewhere (LOUPE's uncertainty-aware learner).

    During the first ``warmup_iters`` steps everything is sampled, and the estimator learns from it. After that an
    estimate counts where ``exp(s) <= threshold``, in units of the running deviation of the interactions; the rest is
    sampled, replaces the estimate, and alone teaches the estimator. The optimum of the loss is ``exp(s) = e^2 / beta``,
    so that this trusts errors e below ``sqrt(beta threshold)`` deviations, 0.22 by default; the noise of the samples
    that teach is part of e: with too few of them nothing is ever trusted.

    How many coalitions are unsure is known on the device alone. With a ``budget`` the most unsure ones are sampled, up
    to this share of them, and the rest is trusted: nothing waits for the device. Without one all of the unsure are
    sampled, after a wait, and for each image as many as for the one with the most: the samples of the others are not
    used.

    The number of steps and the running ratio of samples are part of the state, so that they are resumed.

    Args:
        estimator: Config of :class:`TokenUNSIL` or :class:`SemanticUNSIL`.
        loss: Config of its loss; by default :class:`UncertaintyRegressionLoss`.
        threshold: Greatest uncertainty that is trusted.
        warmup_iters: Steps in which everything is sampled.
        budget: Share of the coalitions of an image that may be sampled after the warm-up, above 0 and up to 1;
            ``None``: as many as are unsure.
        mode: ``'hybrid'``; ``'sampled'``: never trust, and still teach; ``'neural'``: always trust after the warm-up.
        momentum: Share of the running ratio that a step keeps.

    Raises:
        ValueError: an unknown mode, a threshold that is not positive, or a budget outside of 0..1.
    """

    def __init__(
        self,
        estimator: dict,
        loss: Optional[dict] = None,
        threshold: float = 0.5,
        warmup_iters: int = 1000,
        budget: Optional[float] = 0.5,
        mode: str = 'hybrid',
        momentum: float = 0.99,
    ) -> None:
        super().__init__()
        if mode not in _MODES or not threshold > 0:
            raise ValueError(f'mode {mode!r} and threshold {threshold}: expected one of {_MODES}, and above 0')
        if budget is not None and not 0 < budget <= 1:
            raise ValueError(f'budget {budget} must be above 0 and up to 1, or None')
        self.estimator = MODELS.build(estimator)
        self.loss = MODELS.build(loss or dict(type='vlplugins.UncertaintyRegressionLoss'))
        self.threshold, self.warmup_iters, self.budget = threshold, warmup_iters, budget
        self.mode, self.momentum = mode, momentum
        self.steps = StepCounter()
        self.register_buffer('sample_ratio', torch.ones(()))

    def forward(
        self, inputs: Tuple[Tensor, ...], sample: Callable[[Optional[Tensor]], Tensor], mask: Tensor
    ) -> HybridResult:
        """Interactions of a step, and the loss of the estimator.

        Args:
            inputs: Arguments of the estimator, which gives ``[B, C, *games]``.
            sample: From rows ``[B, k]``, integers, to the interactions ``[B, k, *games]`` of those coalitions; from
                ``None`` to those of all. Not called where none is sampled.
            mask: Booleans of the shape of the estimates: those that count.
        """
        estimates, log_uncertainty = self.estimator(*inputs)
        wanted = mask & ~self._trusted(log_uncertainty)
        sampled = torch.zeros_like(estimates.detach())
        if self._samples_all():
            sampled = sample(None)
        elif self.mode == 'hybrid':
            rows = self._rows(wanted, log_uncertainty.detach())
            if rows.size(1):
                index = rows.reshape(*rows.shape, *(1,) * (wanted.dim() - 2)).expand(-1, -1, *wanted.shape[2:])
                sampled = sampled.scatter(1, index, sample(rows).detach().float())
                wanted = wanted & torch.zeros_like(wanted).scatter(1, index, True)
        sampled = torch.where(wanted, sampled.detach().float(), 0.0)
        scale = self.estimator.scale
        if self.training:
            scale.update(sampled, wanted)
        guesses = scale.restore(estimates.detach())
        loss = self.loss(estimates, log_uncertainty, scale.standardise(sampled), wanted)
        interactions = torch.where(mask, torch.where(wanted, sampled, guesses), 0.0)
        ratio = wanted.sum() / mask.sum().clamp(min=1)
        errors = torch.where(wanted, (guesses - sampled).abs(), 0.0).sum() / wanted.sum().clamp(min=1)
        if self.training:
            self.steps.value += 1
            self.sample_ratio.lerp_(ratio.to(self.sample_ratio), 1 - self.momentum)
        return HybridResult(interactions, loss, dict(sample_ratio=ratio, mae=errors))

    def _samples_all(self) -> bool:
        return self.mode == 'sampled' or self.steps.value < self.warmup_iters

    def _trusted(self, log_uncertainty: Tensor) -> Tensor:
        if self._samples_all():
            return torch.zeros_like(log_uncertainty, dtype=torch.bool)
        if self.mode == 'neural':
            return torch.ones_like(log_uncertainty, dtype=torch.bool)
        return log_uncertainty.detach().clamp(*LOG_UNCERTAINTY).exp() <= self.threshold

    def _rows(self, wanted: Tensor, log_uncertainty: Tensor) -> Tensor:
        """The coalitions ``[B, k]`` of which one interaction at least is wanted, and others to fill up the rows."""
        batch, count = wanted.shape[:2]
        unsure = log_uncertainty.masked_fill(~wanted, -torch.inf).reshape(batch, count, -1).amax(dim=2)
        if self.budget is None:
            most = int(unsure.isfinite().sum(dim=1).max())
        else:
            most = math.ceil(self.budget * count)
        return unsure.topk(most, dim=1).indices
