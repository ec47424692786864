"""Metrics of retrieval, with several right captions for an item."""

from typing import Dict, NamedTuple, Sequence

import numpy as np


class RetrievalRanks(NamedTuple):
    """Where the right item of each query stands.

    Attributes:
        greater: ``[Q]`` integers, items that score higher than the right one.
        tied: ``[Q]`` integers, items that score as much as the right one, with it: at least 1.
    """

    greater: np.ndarray
    tied: np.ndarray

    @property
    def expected(self) -> np.ndarray:
        """``[Q]`` ranks from 1, as expected when equal scores are ordered at random."""
        return 1 + self.greater + (self.tied - 1) / 2


def retrieval_ranks(scores: np.ndarray, targets: np.ndarray) -> RetrievalRanks:
    """Rank of the right item of each query; each query counts once, however many items are tied with it.

    Args:
        scores: ``[Q, N]``, higher is better.
        targets: ``[Q]`` integers in 0..N-1, the right item of each query.

    Raises:
        ValueError: no query, shapes that do not match, a target outside, or scores that are not numbers.
    """
    scores, targets = np.asarray(scores), np.asarray(targets)
    if scores.ndim != 2 or scores.size == 0 or targets.shape != scores.shape[:1]:
        raise ValueError(f'scores {scores.shape} and targets {targets.shape} are not [Q, N] and [Q], Q > 0 and N > 0')
    if targets.min() < 0 or targets.max() >= scores.shape[1]:
        raise ValueError(f'targets {targets.min()}..{targets.max()} are outside 0..{scores.shape[1] - 1}')
    bad = np.isnan(scores)
    if bad.any():
        query = int(np.argwhere(bad)[0, 0])
        raise ValueError(f'{int(bad.sum())} of {scores.size} scores are not numbers, the first of query {query}')
    right = np.take_along_axis(scores, targets[:, None], axis=1)
    return RetrievalRanks((scores > right).sum(axis=1), (scores == right).sum(axis=1))


def retrieval_ranks_of_any(scores: np.ndarray, owners: np.ndarray, queries: np.ndarray) -> RetrievalRanks:
    """Rank of the best of several right items of each query, among the items that are not right.

    Args:
        scores: ``[Q, N]``, higher is better.
        owners: ``[N]`` integers, the query to which each item is right.
        queries: ``[Q]`` integers, distinct; each has a right item.

    Raises:
        ValueError: shapes that do not match, a query without a right item, or scores that are not numbers.
    """
    scores, owners, queries = np.asarray(scores), np.asarray(owners), np.asarray(queries)
    if scores.ndim != 2 or scores.size == 0 or scores.shape != (len(queries), len(owners)):
        raise ValueError(f'scores {scores.shape}, {len(queries)} queries and {len(owners)} items do not match')
    if np.isnan(scores).any():
        raise ValueError(f'{int(np.isnan(scores).sum())} of {scores.size} scores are not numbers')
    right = owners == queries[:, None]
    if not right.any(axis=1).all():
        raise ValueError(f'query {queries[~right.any(axis=1)][0]} has no right item')
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    wrong = np.where(right, -np.inf, scores)
    return RetrievalRanks((wrong > best).sum(axis=1), 1 + (wrong == best).sum(axis=1))


def recall_at(ranks: RetrievalRanks, topk: Sequence[int] = (1, 5, 10)) -> Dict[str, float]:
    """``R@k`` in per cent, where ties count against: a query ranks behind all that score as much as its right item."""
    last = ranks.greater + ranks.tied
    return {f'R@{k}': 100.0 * float((last <= k).mean()) for k in topk}


def retrieval_metrics(ranks: RetrievalRanks, topk: Sequence[int] = (1, 5, 10)) -> Dict[str, float]:
    """Recall, median and mean rank.

    Under ties a query is a hit at k with the share of the tied places that are at most k, which is the expected value
    of random order: scores that are all equal give ``R@k = 100 k / N``.

    Args:
        ranks: Of :func:`retrieval_ranks`.
        topk: The values of k.

    Returns:
        ``R@k`` in per cent, ``MdR`` (the median; with an even number of queries the mean of the middle two) and
        ``MnR``, ranks from 1.
    """
    metrics = {}
    for k in topk:
        hits = np.clip(k - ranks.greater, 0, ranks.tied) / ranks.tied
        metrics[f'R@{k}'] = 100.0 * float(hits.mean())
    return {**metrics, 'MdR': float(np.median(ranks.expected)), 'MnR': float(ranks.expected.mean())}


def best_of_groups(scores: np.ndarray, groups: np.ndarray, num_groups: int) -> np.ndarray:
    """Score of a group of captions: the highest of them.

    Args:
        scores: ``[T, N]``, of T captions.
        groups: ``[T]`` integers in 0..num_groups-1.
        num_groups: G.

    Returns:
        ``[G, N]``.

    Raises:
        ValueError: a group without captions, or one outside.
    """
    groups = np.asarray(groups)
    missing = np.setdiff1d(np.arange(num_groups), groups)
    if groups.shape != (len(scores),) or len(missing) or groups.min() < 0 or groups.max() >= num_groups:
        raise ValueError(f'groups {groups.shape} of {len(scores)} captions do not cover 0..{num_groups - 1}')
    order = np.argsort(groups, kind='stable')
    starts = np.searchsorted(groups[order], np.arange(num_groups))
    return np.maximum.reduceat(np.asarray(scores)[order], starts, axis=0)


def dual_softmax(scores: np.ndarray) -> np.ndarray:
    """Re-rank by the dual softmax (CAMoE, arXiv 2109.04290): ``scores * softmax(scores over the queries) * Q``.

    It looks at all queries at once; what it gives must not be compared with results without it.

    Args:
        scores: ``[Q, N]``, scaled as in training: the factor of the cosines matters here.
    """
    scores = np.asarray(scores, dtype=np.float64)
    powers = np.exp(scores - scores.max(axis=0, keepdims=True))
    return scores * powers / powers.sum(axis=0, keepdims=True) * len(scores)
