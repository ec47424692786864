"""Objectives by which a model of video-and-language inference finds out what belongs together (Li et al., ICCV 2021).

That of the local hierarchy, whether sight and words of a segment belong together, is :class:`SegmentAlignmentLoss`.
"""

from typing import NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.registry import MODELS
from vlplugins.utils.distributed import mean_divisor


class Corruption(NamedTuple):
    """Which segments of B clips of up to K segments are replaced, and by which.

    ``replaced`` booleans ``[B, K]``; ``clip`` and ``segment`` int64 ``[B, K]``, the donors; ``target`` float ``[B, K]``
    or ``[B]``, what is to be detected; ``counted`` booleans of the same shape, which of it counts.
    """

    replaced: Tensor
    clip: Tensor
    segment: Tensor
    target: Tensor
    counted: Tensor

    def apply(self, states: Tensor) -> Tensor:
        """States ``[B, K, d]`` with donors, which have no gradient, in the place of what is replaced."""
        return torch.where(self.replaced[..., None], states.detach()[self.clip, self.segment], states)


@MODELS.register_module()
class ReplacedSegmentLoss(nn.Module):
    """Detects segments that are of another clip, by their states among the others: coherence along a clip.

    Each segment is replaced with probability ``prob``, at least one and not all of a clip, by the segment of the same
    number (modulo its length) of the next other clip of the batch; in a batch of one clip, by another segment of it.
    With ``mode='order'`` half of the clips have their segments in another order instead, and each clip is judged as a
    whole. Clips of one segment are left out.

    A segment is compared with the mean m of the others of its clip: ``w . [p; m; p * m; |p - m|]`` of projected states
    p. That two of many kinds differ is a product, which a linear map of a single state leaves to the graph to find.

    Args:
        channels: d.
        prob: Share of replaced segments.
        mode: ``'replace'`` or ``'order'``.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: a share outside 0..1, or an unknown mode.
    """

    def __init__(self, channels: int, prob: float = 0.3, mode: str = 'replace', loss_weight: float = 0.1) -> None:
        super().__init__()
        if not 0 < prob < 1:
            raise ValueError(f'prob {prob} must be between 0 and 1')
        if mode not in ('replace', 'order'):
            raise ValueError(f"mode {mode!r} is unknown; expected 'replace' or 'order'")
        self.prob, self.mode, self.loss_weight = prob, mode, loss_weight
        self.embed = nn.Linear(channels, channels) if mode == 'replace' else None
        self.detector = nn.Linear(channels if self.embed is None else 4 * channels, 1)

    def corrupt(
        self, mask: Tensor, generator: Optional[torch.Generator] = None, clip_ids: Optional[Tensor] = None
    ) -> Corruption:
        """Draw what is replaced.

        Args:
            mask: Booleans ``[B, K]``, true for real segments.
            generator: Source of random numbers on the device of the mask; the default one by default.
            clip_ids: Integers ``[B]``, equal for rows of the same clip; each row is a clip of its own by default.
        """
        draws = torch.rand(mask.shape, device=mask.device, generator=generator)
        lengths = mask.sum(dim=1)
        usable = (lengths > 1)[:, None] & mask
        clips, places = (torch.arange(size, device=mask.device) for size in mask.shape)
        if self.mode == 'order':
            return self._shuffle(draws, mask, usable)
        filled = draws.masked_fill(~mask, 2.0)
        # Of each clip the smallest draw is replaced in any case, the largest never.
        always = F.one_hot(filled.argmin(dim=1), mask.size(1)).bool()
        never = F.one_hot(draws.masked_fill(~mask, -1.0).argmax(dim=1), mask.size(1)).bool()
        replaced = ((draws < self.prob) | always) & ~never & usable
        donor = _next_other(clips if clip_ids is None else clip_ids)
        shift = 1 + (draws[:, :1] * (lengths[:, None] - 1)).long()
        shift = shift.masked_fill((donor != clips)[:, None], 0)
        segment = (places + shift) % lengths[donor][:, None].clamp(min=1)
        return Corruption(replaced, donor[:, None].expand(mask.shape), segment, replaced.float(), usable)

    @staticmethod
    def _shuffle(draws: Tensor, mask: Tensor, usable: Tensor) -> Corruption:
        clips, places = (torch.arange(size, device=mask.device) for size in mask.shape)
        segment = draws.masked_fill(~mask, 2.0).argsort(dim=1)
        # The first draw also decides whether the clip is shuffled: it says little about the order of all.
        is_shuffled = (draws[:, 0] * 1024 % 1 < 0.5) & usable.any(dim=1)
        changed = (segment != places) & mask
        is_shuffled = is_shuffled & changed.any(dim=1)
        replaced = is_shuffled[:, None] & mask
        return Corruption(replaced, clips[:, None].expand(mask.shape), segment, is_shuffled.float(), usable.any(dim=1))

    def logits(self, states: Tensor, mask: Tensor) -> Tensor:
        """How foreign each segment is, ``[B, K]``, or how shuffled each clip is, ``[B]``.

        Args:
            states: States of the segments in the corrupted clip, ``[B, K, d]``.
            mask: Booleans ``[B, K]``.
        """
        real = mask[..., None]
        if self.embed is None:
            return self.detector((states * real).sum(dim=1) / real.sum(dim=1).clamp(min=1)).squeeze(-1)
        states = self.embed(states) * real
        others = (states.sum(dim=1, keepdim=True) - states) / (real.sum(dim=1, keepdim=True) - 1).clamp(min=1)
        compared = torch.cat([states, others, states * others, (states - others).abs()], dim=-1)
        return self.detector(compared).squeeze(-1)

    def forward(self, states: Tensor, mask: Tensor, corruption: Corruption) -> Tensor:
        """Binary cross-entropy, the mean over what counts; a scalar. Arguments as :meth:`logits`."""
        losses = F.binary_cross_entropy_with_logits(
            self.logits(states, mask).float(), corruption.target, reduction='none'
        )
        counted = corruption.counted
        return self.loss_weight * (losses * counted).sum() / mean_divisor(counted.sum())


def _next_other(clip_ids: Tensor) -> Tensor:
    """For each of B rows the next one, around the end, that is of another clip; itself where there is none."""
    size = len(clip_ids)
    rows = torch.arange(size, device=clip_ids.device)
    onward = (rows[:, None] + rows) % size
    is_other = clip_ids[onward] != clip_ids[:, None]
    # Of equal values argmax may take any: those that come first get the largest.
    nearest = (is_other * (size - rows)).argmax(dim=1)
    return onward[rows, torch.where(is_other.any(dim=1), nearest, 0)]


@MODELS.register_module()
class PairCoherenceLoss(nn.Module):
    """Hinge of a pair of statements about one clip, ``max(0, margin - (logit_real - logit_fake))``.

    Args:
        margin: Difference of logits that is enough.
        loss_weight: Factor of the loss.

    Raises:
        ValueError: a negative margin.
    """

    def __init__(self, margin: float = 1.0, loss_weight: float = 0.5) -> None:
        super().__init__()
        if margin < 0:
            raise ValueError(f'margin {margin} must not be negative')
        self.margin, self.loss_weight = margin, loss_weight

    def forward(self, real: Tensor, fake: Tensor) -> Tensor:
        """Compare logits ``[P]`` of true and false statements; a scalar, the mean over pairs."""
        return self.loss_weight * F.relu(self.margin - (real - fake).float()).mean()
