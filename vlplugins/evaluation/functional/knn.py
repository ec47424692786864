"""Weighted nearest-neighbour classification of features."""

import torch
import torch.nn.functional as F
from torch import Tensor


def knn_classify(
    queries: Tensor,
    bank: Tensor,
    bank_labels: Tensor,
    k: int = 200,
    temperature: float = 0.1,
    num_classes: int = 0,
    chunk_size: int = 1024,
) -> Tensor:
    """Classify by the votes of the ``k`` nearest features by cosine, weighted by ``exp(cosine / temperature)``.

    (Wu et al., CVPR 2018, sec. 3.4.) Classes with equal votes: the lowest wins.

    Args:
        queries: ``[N, D]``; normalised here.
        bank: ``[M, D]``; normalised here. It must not hold the queries themselves.
        bank_labels: ``[M]`` integers.
        k: Neighbours; at most ``M`` are used.
        temperature: Positive.
        num_classes: Number of classes; by default one more than the highest label of the bank.
        chunk_size: Queries whose similarities are in memory at a time.

    Returns:
        ``[N]`` classes.

    Raises:
        ValueError: an empty bank, or ``k`` below 1.
    """
    if len(bank) == 0 or k < 1:
        raise ValueError(f'k-nearest neighbours needs a bank (found {len(bank)} features) and k >= 1 (found {k})')
    num_classes = num_classes or int(bank_labels.max()) + 1
    k = min(k, len(bank))
    keys = F.normalize(bank.float(), dim=1).T
    predictions = []
    for chunk in F.normalize(queries.float(), dim=1).split(chunk_size):
        cosines, neighbours = (chunk @ keys).topk(k, dim=1)
        # Less by 1, the largest cosine, so that a low temperature does not overflow; double, to keep equal votes equal.
        weights = ((cosines.double() - 1) / temperature).exp()
        votes = weights.new_zeros(len(chunk), num_classes).scatter_add_(1, bank_labels[neighbours], weights)
        predictions.append(_first_of_highest(votes))
    return torch.cat(predictions)


def _first_of_highest(votes: Tensor) -> Tensor:
    is_highest = votes >= votes.max(dim=1, keepdim=True).values * (1 - 1e-12)
    return is_highest.to(torch.uint8).argmax(dim=1)
