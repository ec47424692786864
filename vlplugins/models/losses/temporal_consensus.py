"""Losses by which two modalities teach each other where in a clip something happens."""

from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS
from vlplugins.utils.distributed import mean_divisor

# Finite, so that 0 * log(0) of a padded place is 0; small enough to vanish in a softmax of single precision.
_MASKED = -1e4
_MODES = ('mutual', 'product')


@MODELS.register_module()
class TemporalConsensusLoss(nn.Module):
    r"""Agreement of two modalities about when a class that the clip has occurs.

    The logits of each modality give a distribution over time, :math:`P_m = softmax_i(Z_m / \tau)`. With ``'mutual'``
    each learns that of the other, :math:`KL(sg(P_2) || P_1) + KL(sg(P_1) || P_2)`; with ``'product'`` both learn
    :math:`Q = sg(softmax_i((Z_1 + Z_2) / \tau))`, which is high only where both are. sg stops the gradient. The sum
    over segments is averaged over the pairs of clip and present class; without any the loss is 0 and has a graph. On
    several processes the average is over the pairs of all. Computed in single precision.

    Cross-modal consensus stands in the abstract of DCIN (Li et al., ACM Multimedia 2022); the form is ours.

    Args:
        mode: ``'mutual'`` or ``'product'``.
        tau: Temperature, positive.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: an unknown mode, or a temperature that is not positive.
    """

    def __init__(self, mode: str = 'mutual', tau: float = 1.0, loss_weight: float = 1.0) -> None:
        super().__init__()
        if mode not in _MODES or tau <= 0:
            raise ValueError(f'mode {mode!r} must be one of {_MODES}, and tau {tau} positive')
        self.mode, self.tau, self.loss_weight = mode, tau, loss_weight

    def forward(
        self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor, present: Optional[Tensor] = None
    ) -> Tensor:
        """Compare two modalities.

        Args:
            first: Logits ``[B, N, C]`` of one.
            second: Logits ``[B, N, C]`` of the other.
            mask: ``[B, N]`` booleans, true for real segments.
            labels: ``[B, C]``, above 0 for classes that the clip has.
            present: ``[B]`` booleans, true for clips that have both modalities; all by default.

        Returns:
            A scalar.
        """
        pairs = labels > 0
        if present is not None:
            pairs = pairs & present[:, None]
        logs = [self._over_time(each, mask) for each in (first, second)]
        if self.mode == 'mutual':
            targets = [logs[1].detach(), logs[0].detach()]
        else:
            targets = [self._over_time(first.detach().float() + second.detach().float(), mask)] * 2
        total = sum((target.exp() * (target - log)).sum(dim=1) for target, log in zip(targets, logs))
        return self.loss_weight * (total * pairs).sum() / mean_divisor(pairs.sum())

    def _over_time(self, logits: Tensor, mask: Tensor) -> Tensor:
        return (logits.float() / self.tau).masked_fill(~mask[..., None], _MASKED).log_softmax(dim=1)


@MODELS.register_module()
class ConsensusPseudoLabelLoss(nn.Module):
    """Labels of segments where two modalities agree, learned by both.

    The logits of each modality are scaled to 0..1 over the real segments of a clip, class by class. Of a class that
    the clip has, segments above ``pos_thr`` in both are positive, below ``neg_thr`` in both negative, others do not
    count; nor does the whole class where the logits of one modality span less than ``min_range``. Of a class that the
    clip does not have, all segments are negative. Binary cross-entropy, with the mean over positives and over
    negatives taken separately and added (``balance``), or over all that count. Computed in single precision.

    Args:
        pos_thr: Scaled logit above which a segment is positive.
        neg_thr: Scaled logit below which it is negative.
        min_range: Span of logits below which nothing is told.
        balance: Average positives and negatives separately.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: thresholds that are not ``0 <= neg_thr <= pos_thr <= 1``.
    """

    def __init__(
        self,
        pos_thr: float = 0.6,
        neg_thr: float = 0.4,
        min_range: float = 1e-3,
        balance: bool = True,
        loss_weight: float = 0.5,
    ) -> None:
        super().__init__()
        if not 0 <= neg_thr <= pos_thr <= 1:
            raise ValueError(f'neg_thr {neg_thr} and pos_thr {pos_thr} must be in order within 0..1')
        self.pos_thr, self.neg_thr, self.min_range = pos_thr, neg_thr, min_range
        self.balance, self.loss_weight = balance, loss_weight

    def forward(
        self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor, present: Optional[Tensor] = None
    ) -> Tensor:
        """Compare two modalities; arguments and result as in :class:`TemporalConsensusLoss`."""
        positive, negative = self.pseudo_labels(first, second, mask, labels)
        if present is not None:
            positive, negative = positive & present[:, None, None], negative & present[:, None, None]
        counts = [positive.sum(), negative.sum()]
        divisors = [mean_divisor(each) for each in (counts if self.balance else [sum(counts)] * 2)]
        return self.loss_weight * sum(self._cross_entropy(z, positive, negative, divisors) for z in (first, second))

    @staticmethod
    def _cross_entropy(logits: Tensor, positive: Tensor, negative: Tensor, divisors: list) -> Tensor:
        logits = logits.float()
        losses = [(F.softplus(-logits) * positive).sum(), (F.softplus(logits) * negative).sum()]
        return sum(loss / divisor for loss, divisor in zip(losses, divisors))

    @torch.no_grad()
    def pseudo_labels(self, first: Tensor, second: Tensor, mask: Tensor, labels: Tensor) -> Tuple[Tensor, Tensor]:
        """Which segments are positive, and which negative: booleans ``[B, N, C]``; the rest does not count."""
        scaled, told = zip(*(self._scale(each.float(), mask) for each in (first, second)))
        has = (labels > 0)[:, None] & (told[0] & told[1])
        high = (scaled[0] > self.pos_thr) & (scaled[1] > self.pos_thr)
        low = (scaled[0] < self.neg_thr) & (scaled[1] < self.neg_thr)
        real = mask[..., None]
        return high & has & real, ((low & has) | (labels <= 0)[:, None]) & real

    def _scale(self, logits: Tensor, mask: Tensor) -> Tuple[Tensor, Tensor]:
        """Logits scaled to 0..1 ``[B, N, C]``, and whether their span tells anything ``[B, 1, C]``."""
        hidden = ~mask[..., None]
        low = logits.masked_fill(hidden, torch.inf).amin(dim=1, keepdim=True)
        span = logits.masked_fill(hidden, -torch.inf).amax(dim=1, keepdim=True) - low
        return (logits - low) / (span + 1e-6), span >= self.min_range
