"""When an estimate of an interaction is trusted, and when it is sampled."""

from typing import Callable, Dict, NamedTuple, Optional, Tuple

import torch
from torch import Tensor, nn

from vlplugins.models.layers.neural_shapley import LOG_UNCERTAINTY
from vlplugins.registry import MODELS

_MODES = ('hybrid', 'sampled', 'neural')


class HybridResult(NamedTuple):
    """Interactions, and how an estimator learns from them.

    Attributes:
        interactions: Of any shape, without gradient.
        loss: Of the estimator, a scalar.
        logs: ``sample_ratio``: share of coalitions that were sampled; ``mae``: mean error of the estimates of those.
    """

    interactions: Tensor
    loss: Tensor
    logs: Dict[str, Tensor]


@MODELS.register_module()
class HybridShapley(nn.Module):
    """Trusts an estimator where it is sure, and samples elsewhere (LOUPE's uncertainty-aware learner).

    During the first ``warmup_iters`` steps everything is sampled, and the estimator learns from it. After that an
    estimate counts where ``exp(s) <= threshold``, in units of the running deviation of the interactions; the rest is
    sampled, replaces the estimate, and alone teaches the estimator. The number of steps and the running ratio of
    samples are buffers, so that they are resumed.

    Args:
        estimator: Config of :class:`TokenUNSIL` or :class:`SemanticUNSIL`.
        loss: Config of its loss; by default :class:`UncertaintyRegressionLoss`.
        threshold: Greatest uncertainty that is trusted.
        warmup_iters: Steps in which everything is sampled.
        mode: ``'hybrid'``; ``'sampled'``: never trust, and still teach; ``'neural'``: always trust after the warm-up.
        momentum: Share of the running ratio that a step keeps.

    Raises:
        ValueError: an unknown mode, or a threshold that is not positive.
    """

    def __init__(
        self,
        estimator: dict,
        loss: Optional[dict] = None,
        threshold: float = 0.5,
        warmup_iters: int = 1000,
        mode: str = 'hybrid',
        momentum: float = 0.99,
    ) -> None:
        super().__init__()
        if mode not in _MODES or not threshold > 0:
            raise ValueError(f'mode {mode!r} and threshold {threshold}: expected one of {_MODES}, and above 0')
        self.estimator = MODELS.build(estimator)
        self.loss = MODELS.build(loss or dict(type='vlplugins.UncertaintyRegressionLoss'))
        self.threshold, self.warmup_iters, self.mode, self.momentum = threshold, warmup_iters, mode, momentum
        self.register_buffer('steps', torch.zeros((), dtype=torch.long))
        self.register_buffer('sample_ratio', torch.ones(()))

    def forward(self, inputs: Tuple[Tensor, ...], sample: Callable[[Tensor], Tensor], mask: Tensor) -> HybridResult:
        """Interactions of a step, and the loss of the estimator.

        Args:
            inputs: Arguments of the estimator.
            sample: Booleans of the shape of the estimates, those that are wanted, to interactions of that shape; others
                are not read, and may be left out of the work. Called only if one is wanted.
            mask: Booleans of the shape of the estimates: those that count.
        """
        estimates, log_uncertainty = self.estimator(*inputs)
        trusted = self._trusted(log_uncertainty)
        wanted = mask & ~trusted
        scale = self.estimator.scale
        sampled = torch.zeros_like(estimates.detach())
        # What sampling costs is worth the wait for the device.
        if bool(wanted.any()):
            sampled = torch.where(wanted, sample(wanted).detach().float(), 0.0)
        if self.training:
            scale.update(sampled, wanted)
        guesses = scale.restore(estimates.detach())
        loss = self.loss(estimates, log_uncertainty, scale.standardise(sampled), wanted)
        interactions = torch.where(mask, torch.where(wanted, sampled, guesses), 0.0)
        ratio = wanted.sum() / mask.sum().clamp(min=1)
        errors = torch.where(wanted, (guesses - sampled).abs(), 0.0).sum() / wanted.sum().clamp(min=1)
        if self.training:
            self.steps += 1
            self.sample_ratio.lerp_(ratio.to(self.sample_ratio), 1 - self.momentum)
        return HybridResult(interactions, loss, dict(sample_ratio=ratio, mae=errors))

    def _trusted(self, log_uncertainty: Tensor) -> Tensor:
        if self.mode == 'sampled':
            return torch.zeros_like(log_uncertainty, dtype=torch.bool)
        warm = self.steps >= self.warmup_iters
        if self.mode == 'neural':
            return warm.expand_as(log_uncertainty)
        return warm & (log_uncertainty.detach().clamp(*LOG_UNCERTAINTY).exp() <= self.threshold)
