"""Where in an image patches cooperate for a phrase."""

from typing import Any, List, Optional, Tuple

import torch
from torch import Tensor

from vlplugins.models.layers.game_texts import GameTexts, gather_game_texts
from vlplugins.models.task_modules.coalitions import step_generator


def window_coalitions(rows: int, columns: int, reach: int = 1) -> Tensor:
    """For each patch of a grid, the patches not further than ``reach`` from it in either direction.

    Returns:
        Booleans ``[rows * columns, rows * columns]``, row-major.
    """
    row = torch.arange(rows).repeat_interleave(columns)
    column = torch.arange(columns).repeat(rows)
    near = [(each[:, None] - each[None]).abs() <= reach for each in (row, column)]
    return near[0] & near[1]


def competing_texts(features: Tensor, texts: List[str], batch: int) -> GameTexts:
    """P texts, with features ``[P, D]``, that compete with one another over each of ``batch`` images.

    A text does not compete with its copies.
    """
    keys = torch.tensor([texts.index(text) for text in texts], device=features.device).expand(batch, -1)
    valid, generator = torch.ones_like(keys, dtype=torch.bool), step_generator(0, 0, features.device)
    return gather_game_texts(features.expand(batch, -1, -1), keys, valid, len(texts), generator)


@torch.no_grad()
def interaction_maps(
    model: Any, image: Tensor, texts: GameTexts, sampler: Optional[Any] = None, reach: int = 1
) -> Tuple[Tensor, Tensor]:
    """Interactions of the patches around each patch, divided by their number, in the game that each text judges.

    Args:
        model: A :class:`FineGrainedVLPretrainer`.
        image: ``[B, 3, H, W]``.
        texts: Those of the games of B images, with P own ones each.
        sampler: Estimator, such as :class:`SampledShapley`; by default that of the model.
        reach: See :func:`window_coalitions`.

    Returns:
        Interactions ``[B, P, rows, columns]``, and their standard errors of that shape (0 of an exact estimator).

    Raises:
        ValueError: a text with which too few compete.
    """
    least, counts = model.value.min_texts, texts.candidates.sum(dim=2)
    if (texts.valid & (counts < least)).any():
        raise ValueError(f'interactions need at least {least} different texts, that compete; found {int(counts.min())}')
    _, patches, feature_map = model.encode_images(image)
    grid = tuple(feature_map.shape[-2:])
    coalitions = window_coalitions(*grid, reach).to(image.device)
    game = model.token_game(patches, texts, image)
    found = (sampler or model.sampler).estimate(game, coalitions.expand(len(image), -1, -1))
    sizes = coalitions.sum(dim=1)[:, None]
    mean, error = ((each / sizes).transpose(1, 2).unflatten(2, grid) for each in (found.mean, found.stderr))
    return mean, error
