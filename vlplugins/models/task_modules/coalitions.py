"""Games of coalitions: how one is played, and what estimators give of it.

A game is a function of who takes part. Here it is any callable ``value_fn(masks)`` from booleans ``[*batch, N, n]`` (N
coalitions of n players, True takes part) to scores ``[*batch, N, *games]``. Batch dimensions are games with players of
their own (images); trailing ones are games of the same players (the phrases of an image), for which the same coalitions
are used. The empty coalition has the score 0. Of a game of a batch ``[B]`` of images, ``take(index)`` with integers
``[R]`` is that of R images.
"""

import math
from typing import Any, Callable, NamedTuple, Optional

import numpy as np
import torch
from mmengine.dist import get_rank
from torch import Tensor

ValueFunction = Callable[[Tensor], Tensor]


class Interaction(NamedTuple):
    """Interactions ``mean`` and their standard errors ``stderr``, both ``[*batch, C, *games]`` in single precision."""

    mean: Tensor
    stderr: Tensor


def is_checked(check: Optional[bool], device: torch.device) -> bool:
    """Whether values are looked at: as asked for, or by default where that makes nothing wait, on the CPU."""
    return device.type == 'cpu' if check is None else check


def check_coalitions(coalitions: Tensor, check: Optional[bool] = True) -> None:
    """Refuse what is no set of coalitions ``[*batch, C, n]``.

    Args:
        coalitions: Booleans.
        check: Look at the members, as :func:`is_checked`.

    Raises:
        ValueError: not booleans, no player axis, or a coalition without members.
    """
    if coalitions.dtype != torch.bool or coalitions.dim() < 2:
        raise ValueError(
            f'coalitions {tuple(coalitions.shape)} of {coalitions.dtype} are no booleans [*batch, coalitions, players]'
        )
    if is_checked(check, coalitions.device) and not coalitions.any(dim=-1).all():
        raise ValueError(
            f'found a coalition without members in {tuple(coalitions.shape)}; expected one at least in each'
        )


def evaluate(value_fn: ValueFunction, masks: Tensor, chunk_size: int, check: Optional[bool] = True) -> Tensor:
    """Scores ``[*batch, N, *games]`` of coalitions ``masks [*batch, N, n]``, ``chunk_size`` of all of them at a time.

    At least one of each element of the batch is evaluated at a time.

    Raises:
        ValueError: scores of another shape, or that are not finite: an interaction of those would mean nothing.
    """
    axis = masks.dim() - 2
    each = max(chunk_size // max(math.prod(masks.shape[:axis]), 1), 1)
    scores = torch.cat([value_fn(part).float() for part in masks.split(each, dim=axis)], dim=axis)
    if scores.shape[: axis + 1] != masks.shape[:-1]:
        raise ValueError(f'value_fn gave {tuple(scores.shape)} for coalitions {tuple(masks.shape)}')
    return finite_scores(scores, check)


def finite_scores(scores: Tensor, check: Optional[bool] = True) -> Tensor:
    """The scores, if all of them are finite; an interaction of others would mean nothing.

    Unchecked ones that are not (``check``, as :func:`is_checked`) give interactions that are not.

    Raises:
        ValueError: NaN or infinite scores.
    """
    if is_checked(check, scores.device) and not scores.isfinite().all():
        raise ValueError(f'{int((~scores.isfinite()).sum())} of {scores.numel()} scores of a game are NaN or infinite')
    return scores


def step_generator(seed: int, step: int, device: torch.device) -> torch.Generator:
    """A generator for one step of this process, which neither reads nor changes the global state."""
    entropy = np.random.SeedSequence([seed, step, get_rank()]).generate_state(1, np.uint64)[0]
    return torch.Generator(device=device).manual_seed(int(entropy >> np.uint64(1)))


def estimate_groups(
    estimator: Any, game: Any, coalitions: Tensor, rows: Optional[Tensor] = None, step: int = 0
) -> Tensor:
    """Interactions of groups of coalitions, of all or of some of them.

    Args:
        estimator: Such as :class:`vlplugins.models.task_modules.shapley.SampledShapley`.
        game: Of a batch ``[B]`` of images, with ``take``.
        coalitions: ``[B, C, G, n]`` booleans: C groups of G.
        rows: Numbers ``[k]`` of groups, ``b C + c`` for number c of image b; all by default. Each is played in a game
            of its own, so that images need not have as many.
        step: That of the estimator.

    Returns:
        ``[k, G, *games]``, or ``[B, C, G, *games]`` of all.
    """
    if rows is None:
        return estimator.estimate(game, coalitions.flatten(1, 2), step).mean.unflatten(1, coalitions.shape[1:3])
    images = rows.div(coalitions.size(1), rounding_mode='floor')
    return estimator.estimate(game.take(images), coalitions.flatten(0, 1)[rows], step).mean
