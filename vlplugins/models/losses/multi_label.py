"""Binary cross-entropy of clips and of segments with several labels."""

from typing import Optional, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS

_COUNTS = ('binary', 'log')


@MODELS.register_module()
class MultiLabelClipLoss(nn.Module):
    """Binary cross-entropy of the scores of clips, the mean over clips and classes; in single precision.

    Args:
        pos_weight: Factor of positives for each class, C numbers, such as those of :func:`rarity_weights`.
        counts: ``'binary'``; or ``'log'``: a positive weighs 1 + log of its count.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: an unknown use of counts; (when called) ``'log'`` without counts.
    """

    def __init__(
        self, pos_weight: Optional[Sequence[float]] = None, counts: str = 'binary', loss_weight: float = 1.0
    ) -> None:
        super().__init__()
        if counts not in _COUNTS:
            raise ValueError(f'counts {counts!r} is unknown; expected one of {_COUNTS}')
        weight = None if pos_weight is None else torch.tensor(list(pos_weight), dtype=torch.float)
        self.register_buffer('pos_weight', weight, persistent=False)
        self.counts, self.loss_weight = counts, loss_weight

    def forward(
        self, logits: Tensor, labels: Tensor, label_counts: Optional[Tensor] = None, present: Optional[Tensor] = None
    ) -> Tensor:
        """Compare ``logits [B, C]`` with ``labels [B, C]``; a scalar.

        Args:
            logits: Of the clips.
            labels: 0 or 1.
            label_counts: ``[B, C]``, for ``'log'``.
            present: ``[B]`` booleans: clips that count; all by default.
        """
        logits, labels = logits.float(), labels.float()
        weight = self.pos_weight
        if self.counts == 'log':
            if label_counts is None:
                raise ValueError("counts='log' needs the label counts of the samples")
            rarer = 1 + label_counts.clamp(min=1).float().log()
            weight = rarer if weight is None else weight * rarer
        losses = F.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight, reduction='none').mean(dim=1)
        if present is not None:
            return self.loss_weight * (losses * present).sum() / present.sum().clamp(min=1)
        return self.loss_weight * losses.mean()


@MODELS.register_module()
class SegmentLabelLoss(nn.Module):
    """Binary cross-entropy of the scores of segments, for sets that have boundaries (full supervision).

    Args:
        balance: Average positives and negatives separately and add both; otherwise over all.
        loss_weight: Factor of the loss.
    """

    def __init__(self, balance: bool = True, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.balance, self.loss_weight = balance, loss_weight

    def forward(self, logits: Tensor, segments: Tensor, mask: Tensor) -> Tensor:
        """Compare ``logits [B, N, C]`` with booleans ``segments [B, N, C]`` where ``mask [B, N]`` is true; a scalar."""
        logits = logits.float()
        positive, negative = segments & mask[..., None], ~segments & mask[..., None]
        on, off = (F.softplus(-logits) * positive).sum(), (F.softplus(logits) * negative).sum()
        if self.balance:
            return self.loss_weight * (on / positive.sum().clamp(min=1) + off / negative.sum().clamp(min=1))
        return self.loss_weight * (on + off) / (positive.sum() + negative.sum()).clamp(min=1)


def rarity_weights(labels: Tensor, limit: float = 5.0) -> Tensor:
    """Factors ``[C]`` of positives: the root of negatives over positives, within 1..``limit``; of ``labels [L, C]``."""
    positives = (labels > 0).sum(dim=0).float()
    return ((len(labels) - positives) / positives.clamp(min=1)).sqrt().clamp(1.0, limit)
