"""The game of the regions of an image and the phrases of its text."""

from typing import Optional

import torch
from torch import Tensor

from vlplugins.models.task_modules.coalitions import Interaction, finite_scores
from vlplugins.registry import TASK_UTILS


class AlignmentGame:
    """Fine-grained similarity of regions and phrases of which some are absent.

    The players are the regions, then the phrases. ``v(S)`` is the mean of two means: over regions, of the greatest
    weight in ``to_phrases`` of a phrase present; over phrases, of the greatest in ``to_regions`` of a region present.
    Absent ones have 0, and the divisors stay.

    Args:
        to_phrases: A~ ``[*batch, M, N]``, from each region to phrases, at least 0, and 0 at padding.
        to_regions: A^ ``[*batch, M, N]``, from each phrase to regions, likewise.
        region_mask: ``[*batch, M]``, True is valid.
        phrase_mask: ``[*batch, N]``, True is valid.
    """

    def __init__(self, to_phrases: Tensor, to_regions: Tensor, region_mask: Tensor, phrase_mask: Tensor) -> None:
        self.to_phrases, self.to_regions = to_phrases.float(), to_regions.float()
        self.region_mask, self.phrase_mask = region_mask, phrase_mask
        self.num_regions = region_mask.sum(dim=-1).clamp(min=1)
        self.num_phrases = phrase_mask.sum(dim=-1).clamp(min=1)

    def take(self, index: Tensor) -> 'AlignmentGame':
        """The games of the images ``index [R]`` of a batch ``[B]``."""
        parts = (self.to_phrases, self.to_regions, self.region_mask, self.phrase_mask)
        return AlignmentGame(*(each[index] for each in parts))

    def __call__(self, masks: Tensor) -> Tensor:
        """Scores ``[*batch, K]`` of coalitions ``[*batch, K, M + N]``."""
        regions, phrases = masks.split(self.to_phrases.shape[-2:], dim=-1)
        present = regions.unsqueeze(-1) & phrases.unsqueeze(-2)
        by_region = torch.where(present, self.to_phrases.unsqueeze(-3), 0.0).amax(dim=-1).sum(dim=-1)
        by_phrase = torch.where(present, self.to_regions.unsqueeze(-3), 0.0).amax(dim=-2).sum(dim=-1)
        return (by_region / self.num_regions[..., None] + by_phrase / self.num_phrases[..., None]) / 2


@TASK_UTILS.register_module()
class AlignmentValue:
    """The game of regions and phrases; see :class:`AlignmentGame`."""

    @torch.no_grad()
    def game(self, to_phrases: Tensor, to_regions: Tensor, region_mask: Tensor, phrase_mask: Tensor) -> AlignmentGame:
        """Bind the two alignments ``[*batch, M, N]`` and their masks ``[*batch, M]`` and ``[*batch, N]``."""
        return AlignmentGame(to_phrases, to_regions, region_mask, phrase_mask)


def pair_coalitions(num_regions: int, num_phrases: int) -> Tensor:
    """Every pair of a region and a phrase as a coalition, ``[M N, M + N]`` booleans, in row-major order."""
    regions = torch.eye(num_regions, dtype=torch.bool).repeat_interleave(num_phrases, dim=0)
    phrases = torch.eye(num_phrases, dtype=torch.bool).repeat(num_regions, 1)
    return torch.cat([regions, phrases], dim=1)


@TASK_UTILS.register_module()
class ClosedFormSemantic:
    """Interactions of every pair of a region and a phrase in an :class:`AlignmentGame`, in closed form.

    The score is a sum of maxima, and a region i and a phrase j meet in two of them alone, in that of row i of A~ and of
    column j of A^. So their interaction is the mean of two Shapley values of the max game, the "airport game"
    (Littlechild and Owen, 1973): sorted ``a_1 <= ... <= a_N``, player k is worth the sum over ``l <= k`` of
    ``(a_l - a_(l-1)) / (N - l + 1)``.

    Args:
        check: Look whether scores are finite, which on a GPU is a wait; by default on the CPU alone.
    """

    def __init__(self, check: Optional[bool] = None) -> None:
        self.check = check

    @torch.no_grad()
    def estimate(self, value_fn: AlignmentGame) -> Interaction:
        """Interactions ``[*batch, M, N]`` of an ``AlignmentGame``, with standard errors of 0; 0 at padding."""
        by_row = max_game_values(value_fn.to_phrases) / value_fn.num_regions[..., None, None]
        by_column = max_game_values(value_fn.to_regions.transpose(-1, -2)).transpose(-1, -2)
        mean = (by_row + by_column / value_fn.num_phrases[..., None, None]) / 2
        return Interaction(finite_scores(mean, self.check), torch.zeros_like(mean))


def max_game_values(scores: Tensor) -> Tensor:
    """Shapley values ``[..., N]`` of the game whose score is the greatest of its members' ``scores [..., N] >= 0``."""
    ascending, order = scores.sort(dim=-1)
    steps = ascending.diff(dim=-1, prepend=torch.zeros_like(ascending[..., :1]))
    shares = torch.arange(scores.size(-1), 0, -1, device=scores.device)
    return torch.zeros_like(scores).scatter(-1, order, (steps / shares).cumsum(dim=-1))
