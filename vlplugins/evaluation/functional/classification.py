"""Accuracy of classification."""

from typing import Dict, Sequence

import torch
from torch import Tensor


def top_k_accuracy(scores: Tensor, labels: Tensor, topk: Sequence[int] = (1, 5)) -> Dict[int, float]:
    """Share of samples, in per cent, whose label is among the ``k`` highest scores.

    Equal scores are ranked in the order of the classes.

    Args:
        scores: ``[N, C]``.
        labels: ``[N]`` integers.
        topk: The values of ``k``, each at most ``C``.

    Raises:
        ValueError: no sample, a ``k`` above ``C``, or shapes that do not match.
    """
    if scores.dim() != 2 or len(scores) == 0 or labels.shape != scores.shape[:1]:
        raise ValueError(f'scores {tuple(scores.shape)} and labels {tuple(labels.shape)} are not [N, C] and [N], N > 0')
    if max(topk) > scores.size(1):
        raise ValueError(f'top-{max(topk)} accuracy needs at least {max(topk)} classes, found {scores.size(1)}')
    ranked = torch.argsort(scores, dim=1, descending=True, stable=True)[:, : max(topk)]
    hits = ranked == labels[:, None]
    return {k: 100.0 * hits[:, :k].any(dim=1).float().mean().item() for k in topk}
