"""Where in an image patches cooperate for a phrase."""

from typing import Any, Tuple

import torch
from torch import Tensor

from vlplugins.models.layers.game_texts import GameTexts


def window_coalitions(rows: int, columns: int, reach: int = 1) -> Tensor:
    """For each patch of a grid, the patches not further than ``reach`` from it in either direction.

    Returns:
        Booleans ``[rows * columns, rows * columns]``, row-major.
    """
    row = torch.arange(rows).repeat_interleave(columns)
    column = torch.arange(columns).repeat(rows)
    near = [(each[:, None] - each[None]).abs() <= reach for each in (row, column)]
    return near[0] & near[1]


@torch.no_grad()
def interaction_maps(model: Any, image: Tensor, texts: Tensor, reach: int = 1) -> Tuple[Tensor, Tensor]:
    """Interactions of the patches around each patch, divided by their number, in the game that each text judges.

    The texts compete with one another, so that two at least are needed.

    Args:
        model: A :class:`FineGrainedVLPretrainer`.
        image: ``[B, 3, H, W]``.
        texts: ``[P, D]``, features of P texts that differ.
        reach: See :func:`window_coalitions`.

    Returns:
        Interactions ``[B, P, rows, columns]``, and their standard errors of that shape (0 of an exact estimator).

    Raises:
        ValueError: fewer than two texts.
    """
    if len(texts) < 2:
        raise ValueError('interactions need at least two different texts, which compete')
    _, patches, feature_map = model.encode_images(image)
    batch, grid = len(image), tuple(feature_map.shape[-2:])
    own = torch.arange(len(texts), device=image.device).expand(batch, -1)
    candidates = torch.ones(batch, len(texts), len(texts), dtype=torch.bool, device=image.device)
    competing = GameTexts(texts.expand(batch, -1, -1), own, torch.ones_like(own, dtype=torch.bool), candidates)
    coalitions = window_coalitions(*grid, reach).to(image.device)
    game = model.token_game(patches, competing, image)
    found = model.sampler.estimate(game, coalitions.expand(batch, -1, -1))
    sizes = coalitions.sum(dim=1)[:, None]
    mean, error = ((each / sizes).transpose(1, 2).unflatten(2, grid) for each in (found.mean, found.stderr))
    return mean, error
