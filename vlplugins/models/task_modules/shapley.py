"""Shapley values and interactions of coalitions, of any game, exact or sampled.

A game is a ``value_fn`` as of :mod:`vlplugins.models.task_modules.coalitions`. The interaction of a coalition C is what
its members are worth as one player, minus what each is worth alone while the other members are away; every term is a
Shapley value in a game of ``n - |C| + 1`` players (Grabisch and Roubens, 1999):

    ``I(C) = phi([C] | N - C + [C]) - sum over i in C of phi(i | N - C + i)``.

It is 0 for one member and for additive scores, and the Shapley interaction index for two members.
"""

import math
from typing import Optional, Tuple

import torch
from torch import Tensor

from vlplugins.models.task_modules.coalitions import (
    Interaction,
    ValueFunction,
    check_coalitions,
    evaluate,
    finite_scores,
    step_generator,
)
from vlplugins.registry import TASK_UTILS

# Coalitions that an exact estimate may evaluate.
_MOST_EVALUATIONS = 2**16


@TASK_UTILS.register_module()
class ExactShapley:
    """By enumeration: all ``2^n`` coalitions are evaluated once, and looked up.

    Args:
        chunk_size: Coalitions of all games that are evaluated at a time.
        check: Look whether scores are finite and coalitions have members, which on a GPU is a wait; by default on the
            CPU alone. What is not finite and not looked for stays so in the interactions.
    """

    def __init__(self, chunk_size: int = 4096, check: Optional[bool] = None) -> None:
        self.chunk_size, self.check = chunk_size, check

    @staticmethod
    def check_players(num_players: int) -> None:
        """Refuse games that are too large.

        Raises:
            ValueError: more than ``2^16`` coalitions.
        """
        if 2**num_players > _MOST_EVALUATIONS:
            raise ValueError(
                f'{num_players} players have 2^{num_players} coalitions; ExactShapley evaluates up to '
                f'{_MOST_EVALUATIONS}. Use SampledShapley'
            )

    @torch.no_grad()
    def estimate(self, value_fn: ValueFunction, coalitions: Tensor, step: int = 0) -> Interaction:
        """Interactions of coalitions.

        Args:
            value_fn: The game; see the module.
            coalitions: ``[*batch, C, n]`` booleans.
            step: Not used.

        Returns:
            Interactions ``[*batch, C, *games]``, with standard errors of 0.

        Raises:
            ValueError: empty coalitions, too many players, or scores that are not finite.
        """
        check_coalitions(coalitions, self.check)
        batch, players = coalitions.shape[:-2], coalitions.size(-1)
        self.check_players(players)
        masks, scores = self._table(value_fn, batch, players, coalitions.device)
        # Subsets of the outsiders, and the weight of each in a game of so many players.
        outside = ~(masks & coalitions[..., None, :]).any(dim=-1)
        sizes, outsiders = masks.sum(dim=-1), (~coalitions).sum(dim=-1, keepdim=True)
        weights = torch.where(outside, _subset_weights(sizes, outsiders), 0.0)
        powers = _powers(players, coalitions.device)
        subsets = torch.arange(len(masks), device=coalitions.device)
        joined = subsets | (coalitions * powers).sum(dim=-1, keepdim=True)
        axis = len(batch)
        gain = _take(scores, joined, axis) - scores.unsqueeze(axis)
        alone = scores.index_select(axis, (subsets[:, None] | powers).flatten())
        alone = alone.unflatten(axis, (len(subsets), players)) - scores.unsqueeze(axis + 1)
        members = _sum_players(alone.unsqueeze(axis), coalitions.unsqueeze(-2), axis + 2)
        extra = (1,) * (scores.dim() - axis - 1)
        mean = (weights.reshape(*weights.shape, *extra) * (gain - members)).sum(dim=axis + 1).float()
        return Interaction(mean, torch.zeros_like(mean))

    @torch.no_grad()
    def values(self, value_fn: ValueFunction, num_players: int, device: str = 'cpu') -> Tensor:
        """Shapley values ``[n, *games]`` of all players of a game without batch dimensions.

        Raises:
            ValueError: too many players, or scores that are not finite.
        """
        self.check_players(num_players)
        masks, scores = self._table(value_fn, (), num_players, torch.device(device))
        powers = _powers(num_players, masks.device)
        subsets = torch.arange(len(masks), device=masks.device)
        gains = scores[subsets[:, None] | powers] - scores[:, None]
        weights = _subset_weights(masks.sum(dim=-1, keepdim=True), torch.tensor(num_players - 1)).masked_fill(masks, 0)
        return (weights.reshape(*weights.shape, *(1,) * (scores.dim() - 1)) * gains).sum(dim=0).float()

    def _table(
        self, value_fn: ValueFunction, batch: Tuple[int, ...], players: int, device: torch.device
    ) -> Tuple[Tensor, Tensor]:
        """All subsets ``[2^n, n]`` in the order of their bits, and their scores ``[*batch, 2^n, *games]``."""
        numbers = torch.arange(2**players, device=device)
        masks = (numbers[:, None] & _powers(players, device)) > 0
        scores = evaluate(value_fn, masks.expand(*batch, *masks.shape), self.chunk_size, self.check)
        return masks, scores.double()


def _powers(players: int, device: torch.device) -> Tensor:
    return 2 ** torch.arange(players, device=device)


def _subset_weights(sizes: Tensor, outsiders: Tensor) -> Tensor:
    """``k! (m - k)! / (m + 1)!`` for subsets of size k of m outsiders, as double."""
    k, m = sizes.double(), outsiders.to(sizes.device).double()
    rest = (m - k).clamp(min=0)
    return (torch.lgamma(k + 1) + torch.lgamma(rest + 1) - torch.lgamma(m + 2)).exp()


def _take(scores: Tensor, index: Tensor, axis: int) -> Tensor:
    """Scores ``[*batch, N, *games]`` at ``index [*batch, C, N]`` of the axis N: ``[*batch, C, N, *games]``."""
    games = scores.shape[axis + 1 :]
    flat = index.flatten(axis)
    flat = flat.reshape(*flat.shape, *(1,) * len(games)).expand(*flat.shape, *games)
    return scores.gather(axis, flat).unflatten(axis, index.shape[axis:])


def _sum_players(scores: Tensor, members: Tensor, axis: int) -> Tensor:
    """Sum ``scores [..., n, *games]`` over the players at ``axis`` that are ``members [..., n]``."""
    members = members.reshape(*members.shape, *(1,) * (scores.dim() - axis - 1))
    return torch.where(members, scores, 0.0).sum(dim=axis)


@TASK_UTILS.register_module()
class SampledShapley:
    """By random subsets of the outsiders: a size uniform in 0..m, then a subset uniform among those of the size.

    This has the weights of the Shapley value. The same subset serves the coalition and each of its members, which takes
    most of the noise out of the difference: an additive game has an interaction of exactly 0. All samples of all
    coalitions are one tensor operation where the game has ``sampled_scores(subsets, coalitions)`` (see
    :class:`vlplugins.models.task_modules.game_values.AdditiveLogitGame`); otherwise ``T (|C| + 2)`` coalitions are
    evaluated for each C, in chunks.

    Args:
        num_samples: T, subsets for each coalition; at least 2, at least 4 and even with ``antithetic``.
        antithetic: Draw half of them, and add the complement of each among the outsiders.
        seed: With ``step`` and the rank of the process it seeds a generator of its own: the global state of random
            numbers is neither read nor changed.
        chunk_size: Coalitions of all games that are evaluated at a time, without ``sampled_scores``.
        check: Look whether scores are finite and coalitions have members, which on a GPU is a wait; by default on the
            CPU alone. What is not finite and not looked for stays so in the interactions.

    Raises:
        ValueError: too few samples, or an odd number with ``antithetic``.
    """

    def __init__(
        self,
        num_samples: int = 64,
        antithetic: bool = False,
        seed: int = 0,
        chunk_size: int = 65536,
        check: Optional[bool] = None,
    ) -> None:
        if num_samples < (4 if antithetic else 2) or (antithetic and num_samples % 2):
            raise ValueError(
                f'num_samples {num_samples} is too few for a standard error, or odd with antithetic={antithetic}; '
                'expected at least 2, or an even number from 4 with antithetic=True'
            )
        self.num_samples, self.antithetic, self.seed = num_samples, antithetic, seed
        self.chunk_size, self.check = chunk_size, check

    @torch.no_grad()
    def estimate(self, value_fn: ValueFunction, coalitions: Tensor, step: int = 0) -> Interaction:
        """Interactions of coalitions.

        Args:
            value_fn: The game; see the module.
            coalitions: ``[*batch, C, n]`` booleans.
            step: Another one gives other subsets.

        Returns:
            Interactions ``[*batch, C, *games]`` and their standard errors.

        Raises:
            ValueError: empty coalitions, or scores that are not finite.
        """
        check_coalitions(coalitions, self.check)
        subsets = self.draw(coalitions, step)
        score = getattr(value_fn, 'sampled_scores', None)
        if score is not None:
            without, joined, members = (finite_scores(each, self.check) for each in score(subsets, coalitions))
        else:
            without, joined, members = self._stacked_scores(value_fn, subsets, coalitions)
        axis = coalitions.dim() - 1
        sizes = coalitions.sum(dim=-1)[..., None].to(without.dtype)
        sizes = sizes.reshape(*sizes.shape, *(1,) * (without.dim() - axis - 1))
        samples = (joined - without) - (members - sizes * without)
        if self.antithetic:
            samples = samples.unflatten(axis, (2, -1)).mean(dim=axis)
        return Interaction(samples.mean(dim=axis), samples.std(dim=axis) / math.sqrt(samples.size(axis)))

    def draw(self, coalitions: Tensor, step: int = 0) -> Tensor:
        """Subsets ``[*batch, C, T, n]`` of the outsiders of ``coalitions [*batch, C, n]``, with no wait."""
        generator = step_generator(self.seed, step, coalitions.device)
        count = self.num_samples // 2 if self.antithetic else self.num_samples
        shape = (*coalitions.shape[:-1], count)
        inside = coalitions.unsqueeze(-2)
        outsiders = (~inside).sum(dim=-1)
        options = dict(generator=generator, device=coalitions.device)
        sizes = (torch.rand(shape, dtype=torch.float64, **options) * (outsiders + 1)).floor()
        keys = torch.rand(*shape, coalitions.size(-1), **options).masked_fill(inside, 2.0)
        subsets = (keys.argsort(dim=-1).argsort(dim=-1) < sizes[..., None]) & ~inside
        return torch.cat([subsets, ~subsets & ~inside], dim=-2) if self.antithetic else subsets

    def _stacked_scores(
        self, value_fn: ValueFunction, subsets: Tensor, coalitions: Tensor
    ) -> Tuple[Tensor, Tensor, Tensor]:
        """Scores of S, of S with C, and the sum over i in C of those of S with i: ``[*batch, C, T, *games]`` each.

        The size of the largest coalition is asked of the device, which costs little beside a game that is played so.
        """
        most = int(coalitions.sum(dim=-1).max())
        is_member, players = coalitions.float().topk(most, dim=-1)
        one_hot = torch.zeros(*players.shape, coalitions.size(-1), dtype=torch.bool, device=coalitions.device)
        one_hot.scatter_(-1, players.unsqueeze(-1), is_member.bool().unsqueeze(-1))
        added = torch.cat([torch.zeros_like(one_hot[..., :1, :]), coalitions.unsqueeze(-2), one_hot], dim=-2)
        masks = subsets.unsqueeze(-2) | added.unsqueeze(-3)
        axis = coalitions.dim() - 2
        scores = evaluate(value_fn, masks.flatten(axis, -2), self.chunk_size, self.check).unflatten(
            axis, masks.shape[axis:-1]
        )
        without, joined, members = scores.split([1, 1, most], dim=axis + 2)
        members = _sum_players(members, is_member.bool().unsqueeze(-2), axis + 2)
        return without.squeeze(axis + 2), joined.squeeze(axis + 2), members
