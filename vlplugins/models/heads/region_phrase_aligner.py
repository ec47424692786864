"""Soft alignment of the regions of an image and the phrases of its text."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlplugins.models.layers.masked_softmax import masked_softmax
from vlplugins.registry import MODELS


class Alignment(NamedTuple):
    """Soft alignments of M regions and N phrases.

    Attributes:
        log_to_phrases: ``[B, M, N]``, logarithms of A~, which sums to one over the phrases; 0 at padding.
        log_to_regions: ``[B, M, N]``, logarithms of A^, which sums to one over the regions; 0 at padding.
        to_phrases: A~; 0 at padding.
        to_regions: A^; 0 at padding.
        logits: ``[B, M, N]``, cosines over the temperature; 0 at padding.
        similarity: ``[B]``, the mean of the means of the greatest entries: of A~ over regions, of A^ over phrases.
    """

    log_to_phrases: Tensor
    log_to_regions: Tensor
    to_phrases: Tensor
    to_regions: Tensor
    logits: Tensor
    similarity: Tensor


@MODELS.register_module()
class RegionPhraseAligner(nn.Module):
    """Cosines of regions and phrases, normalised over either (LOUPE, Li et al., NeurIPS 2022, section 3.3).

    Args:
        temperature: Cosines are divided by it. Positive; not that of the contrastive loss.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f'temperature {temperature} must be positive')
        self.temperature = temperature

    def forward(self, regions: Tensor, phrases: Tensor, region_mask: Tensor, phrase_mask: Tensor) -> Alignment:
        """Align.

        Args:
            regions: ``[B, M, D]``; normalised here. Those at padding may be NaN.
            phrases: ``[B, N, D]``, likewise.
            region_mask: ``[B, M]`` booleans.
            phrase_mask: ``[B, N]`` booleans.
        """
        with torch.autocast(regions.device.type, enabled=False):
            regions, phrases = _unit(regions, region_mask), _unit(phrases, phrase_mask)
            logits = regions @ phrases.transpose(1, 2) / self.temperature
            valid = region_mask[:, :, None] & phrase_mask[:, None]
            to_phrases, to_regions = masked_softmax(logits, valid, dim=2), masked_softmax(logits, valid, dim=1)
            by_region = to_phrases.amax(dim=2).sum(dim=1) / region_mask.sum(dim=1).clamp(min=1)
            by_phrase = to_regions.amax(dim=1).sum(dim=1) / phrase_mask.sum(dim=1).clamp(min=1)
            return Alignment(
                _log_softmax(logits, valid, 2),
                _log_softmax(logits, valid, 1),
                to_phrases,
                to_regions,
                torch.where(valid, logits, 0.0),
                (by_region + by_phrase) / 2,
            )


def _unit(features: Tensor, mask: Tensor) -> Tensor:
    # Chosen, not multiplied: padding may be NaN.
    return F.normalize(torch.where(mask[..., None], features.float(), 0.0), dim=-1)


def _log_softmax(logits: Tensor, valid: Tensor, dim: int) -> Tensor:
    filled = logits.masked_fill(~valid, torch.finfo(logits.dtype).min)
    return torch.where(valid, filled.log_softmax(dim=dim), 0.0)
