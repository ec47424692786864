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

    How many coalitions are unsure is known on the device alone. With a ``budget`` the most unsure ones of the batch are
    sampled, up to this share of all, and the rest is trusted: nothing waits for the device. Without one all of the
    unsure and no others are sampled, after a wait.

    The number of steps and the running ratio of samples are part of the state, so that they are resumed.

    Args:
        estimator: Config of :class:`TokenUNSIL` or :class:`SemanticUNSIL`.
        loss: Config of its loss; by default :class:`UncertaintyRegressionLoss`.
        threshold: Greatest uncertainty that is trusted.
        warmup_iters: Steps in which everything is sampled.
        budget: Share of the coalitions of a batch that may be sampled after the warm-up, above 0 and up to 1;
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
            sample: From the numbers ``[k]`` of coalitions, ``b C + c`` for number c of image b, to their interactions
                ``[k, *games]``; from ``None`` to those of all, ``[B, C, *games]``. Not called where none is sampled.
            mask: Booleans of the shape of the estimates: those that count.
        """
        estimates, log_uncertainty = self.estimator(*inputs)
        wanted = mask & ~self._trusted(log_uncertainty)
        sampled = torch.zeros_like(estimates, dtype=torch.float)
        if self._samples_all():
            sampled = sample(None)
        elif self.mode == 'hybrid':
            rows = self._rows(wanted, log_uncertainty.detach())
            if len(rows):
                found = sample(rows).detach().float()
                sampled = sampled.flatten(0, 1).index_copy(0, rows, found).view_as(sampled)
                chosen = torch.zeros_like(wanted).flatten(0, 1).index_fill(0, rows, True)
                wanted = wanted & chosen.view_as(wanted)
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
        """Numbers ``[k]`` of the coalitions of which one interaction at least is wanted, the most unsure first.

        With a budget others fill them up.
        """
        unsure = log_uncertainty.masked_fill(~wanted, -torch.inf).flatten(0, 1).unsqueeze(-1).flatten(1).amax(dim=1)
        most = int(unsure.isfinite().sum()) if self.budget is None else math.ceil(self.budget * len(unsure))
        return unsure.topk(most).indices
