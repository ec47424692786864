"""Batched k-medoids with the deterministic KKZ start (k-medoids++ of CenterCLIP)."""

from typing import Optional, Tuple

import torch
from torch import Tensor

from vlplugins.registry import TASK_UTILS

_METRICS = ('euclidean', 'cosine')
# Up to this many points, distances are differences of coordinates; above it a matrix product, as in ``torch.cdist``.
_EXACT_UP_TO = 32
# From so many points on, the CPU computes only the blocks on one side of the diagonal of a symmetric product.
_BLOCKS_FROM = 256
# On an accelerator, iterations between two looks at whether all rows have converged (each look waits for the device).
_ITERATIONS_PER_LOOK = 4


def scaled_to_unit(points: Tensor) -> Tensor:
    """Divide vectors ``[..., D]`` by their norm plus 1e-6."""
    return points / (points.norm(dim=-1, keepdim=True) + 1e-6)


def squared_distances(points: Tensor) -> Tensor:
    """Squared Euclidean distances ``[B, N, N]`` of ``points [B, N, D]``: exactly symmetric, with a zero diagonal."""
    if points.size(1) <= _EXACT_UP_TO:
        return torch.cdist(points, points, compute_mode='donot_use_mm_for_euclid_dist').square()
    # Tokens of a transformer share a large offset, in which the differences would be lost to rounding.
    centred = points - points.mean(dim=1, keepdim=True)
    products = _inner_products(centred)
    # Norms out of the same product: then equal points have the distance zero, and ties between them are ties.
    norms = products.diagonal(dim1=1, dim2=2)
    sums = norms[:, :, None] + norms[:, None, :]
    return sums.sub_(products + products.transpose(1, 2)).clamp_(min=0)


def _inner_products(points: Tensor) -> Tensor:
    """Products ``[B, N, N]`` of ``points [B, N, D]`` with one another."""
    count = points.size(1)
    if points.device.type != 'cpu' or count < _BLOCKS_FROM:
        return torch.bmm(points, points.transpose(1, 2))
    products = points.new_empty(len(points), count, count)
    bounds = [count * index // 4 for index in range(5)]
    for begin, end in zip(bounds, bounds[1:]):
        # One row of blocks up to the diagonal; what lies beyond is its mirror image.
        block = torch.bmm(points[:, begin:end], points[:, :end].transpose(1, 2))
        products[:, begin:end, :end] = block
        products[:, :begin, begin:end] = block[:, :, :begin].transpose(1, 2)
    return products


def pairwise_distances(points: Tensor, metric: str = 'euclidean', p: float = 2.0) -> Tensor:
    """Distances ``[B, N, N]`` of ``points [B, N, D]``, symmetric and at least 0.

    Args:
        points: In single precision.
        metric: ``'euclidean'``: the p-norm of the difference, not squared; ``'cosine'``: one minus the cosine, with
            1e-6 added to the norms.
        p: Order of the norm.
    """
    if metric == 'cosine':
        unit = scaled_to_unit(points)
        products = torch.bmm(unit, unit.transpose(1, 2))
        return (1 - (products + products.transpose(1, 2)) / 2).clamp_(min=0)
    if p == 2:
        return squared_distances(points).sqrt_()
    return torch.cdist(points, points, p=p)


def first_of_largest(keys: Tensor, tolerance: float = 0.0) -> Tensor:
    """Lowest index ``[B]`` whose key of ``keys [B, N]`` is within ``tolerance`` (relative) of the largest."""
    largest = keys.amax(dim=1, keepdim=True)
    return (keys >= largest - tolerance * largest.abs()).to(torch.uint8).argmax(dim=1)


def nearest_medoid(distances: Tensor, medoids: Tensor) -> Tensor:
    """Slot ``[B, N]`` of the nearest of ``medoids [B, K]``; among equally near ones the lowest."""
    batch, count, _ = distances.shape
    # Of equal values, min gives the index of the first; along this axis it is several times faster than argmin.
    return _rows(distances, medoids).view(batch, medoids.size(1), count).min(dim=1).indices


def _rows(distances: Tensor, indices: Tensor) -> Tensor:
    """Rows ``[B * K, N]`` of ``distances [B, N, N]`` at ``indices [B, K]``."""
    batch, count, _ = distances.shape
    first_row = torch.arange(0, batch * count, count, device=indices.device)
    return distances.view(batch * count, count).index_select(0, (indices + first_row[:, None]).flatten())


def _label_gap(distances: Tensor) -> Tensor:
    """Numbers ``[B, 1]`` whose squares are above all distances of a row."""
    return 2 * distances.amax(dim=(1, 2)).clamp_(min=1e-30).sqrt_()[:, None]


def _least_member(distances: Tensor, assign: Tensor, num_clusters: int, gap: Tensor, buffer: Tensor) -> Tensor:
    """Member ``[B, K]`` of each cluster with the least sum of distances to the members; of several the lowest.

    ``gap`` is that of :func:`_label_gap`; ``buffer``, as large as ``distances``, is overwritten.
    """
    batch, count = assign.shape
    # Where two labels differ, their squared difference is above every distance, and the masked value is negative.
    # Arithmetic and a clamp take a fraction of the time of a comparison and a selection.
    labels = assign * gap
    torch.sub(labels[:, :, None], labels[:, None, :], out=buffer)
    costs = torch.addcmul(distances, buffer, buffer, value=-1, out=buffer).clamp_(min=0).sum(dim=2)
    least = costs.new_full((batch, num_clusters), torch.inf).scatter_reduce_(1, assign, costs, 'amin')
    index = torch.arange(count, device=assign.device).expand(batch, count)
    index = index.masked_fill(costs > least.gather(1, assign), count)
    members = assign.new_full((batch, num_clusters), count).scatter_reduce_(1, assign, index, 'amin')
    return members.clamp_(max=count - 1)


@TASK_UTILS.register_module()
class KMedoids:
    """Chooses K of N points as medoids, for each row of a batch on its own (CenterCLIP, SIGIR 2022, k-medoids++).

    Start (KKZ): the point with the largest L2 norm, then again and again the point farthest from those chosen. Then,
    until the medoids rest: assign each point to the nearest medoid (of equally near ones the lowest slot; a medoid
    belongs to itself), and take as new medoid of each cluster the member with the least sum of distances to the
    members (of several the lowest index). No random number is drawn; the result of a row depends on no other row.
    Everything is computed in single precision without gradient, also under autocast.

    The cost of a point is a masked sum over ``[B, N, N]``; nothing of the size ``[B, K, N, N]`` is made.

    Args:
        metric: ``'euclidean'`` (the p-norm, not squared) or ``'cosine'`` (one minus the cosine).
        p: Order of the norm of ``'euclidean'``.
        iter_limit: Most iterations.
        threshold: A row is at rest when its medoids moved by less than this, summed over the clusters.
        id_sort: Sort the medoids of a row in ascending order, so that the order of the tokens is kept.
        pre_norm: Scale the points to unit norm first. The first pick is then the lowest index.
        split_size: Rows that are worked on at a time; bounds the memory and changes no result.

    Raises:
        ValueError: an argument outside the values above.
    """

    def __init__(
        self,
        metric: str = 'euclidean',
        p: float = 2.0,
        iter_limit: int = 100,
        threshold: float = 1e-6,
        id_sort: bool = True,
        pre_norm: bool = False,
        split_size: int = 16,
    ) -> None:
        if metric not in _METRICS:
            raise ValueError(f'metric {metric!r} is unknown; expected one of {_METRICS}')
        if not p > 0:
            raise ValueError(f'p {p} must be positive')
        if iter_limit < 0 or split_size < 1:
            raise ValueError(f'iter_limit {iter_limit} must be at least 0 and split_size {split_size} at least 1')
        self.metric, self.p = metric, p
        self.iter_limit, self.threshold = iter_limit, threshold
        self.id_sort, self.pre_norm, self.split_size = id_sort, pre_norm, split_size

    @torch.no_grad()
    def __call__(
        self, points: Tensor, num_clusters: int, num_frames: int = 1, start_keys: Optional[Tensor] = None
    ) -> Tuple[Tensor, Tensor]:
        """Cluster.

        Args:
            points: ``[B, N, D]``.
            num_clusters: K, from 1 to N.
            num_frames: Frames that the N points come from; of no use here.
            start_keys: ``[B, N]``; the first medoid is the point with the largest key (the lowest within 1e-6 of it).
                The norms of the points by default.

        Returns:
            ``assign [B, N]``, the slot of each point in 0..K-1, and ``medoids [B, K]``, distinct indices of points.

        Raises:
            ValueError: another shape, or K outside 1..N.
        """
        check_points(points, num_clusters)
        with torch.autocast(points.device.type, enabled=False):
            points = points.float()
            tolerance = 0.0 if start_keys is None and not self.pre_norm else 1e-6
            if self.pre_norm:
                points = scaled_to_unit(points)
            if start_keys is None:
                start_keys = points.norm(dim=-1)
            first = first_of_largest(start_keys.float(), tolerance)
            parts = zip(points.split(self.split_size), first.split(self.split_size))
            results = [self._cluster(part, begin, num_clusters) for part, begin in parts]
        assign, medoids = zip(*results)
        return torch.cat(assign), torch.cat(medoids)

    def _cluster(self, points: Tensor, first: Tensor, num_clusters: int) -> Tuple[Tensor, Tensor]:
        distances = pairwise_distances(points, self.metric, self.p)
        # Whatever the input, the indices are valid: a training step with NaN must reach the check of its loss.
        distances.nan_to_num_(nan=0.0, posinf=0.0)
        # Strictly nearest to itself, so that of two equal medoids each keeps its cluster. In a sum over the members
        # it is the same amount for each of them.
        distances.diagonal(dim1=1, dim2=2).fill_(-1.0)
        medoids = self._farthest_first(distances, first, num_clusters)
        medoids = self._settle(distances, medoids)
        if self.id_sort:
            medoids = medoids.sort(dim=1).values
        return nearest_medoid(distances, medoids), medoids

    @staticmethod
    def _farthest_first(distances: Tensor, first: Tensor, num_clusters: int) -> Tensor:
        """KKZ start ``[B, K]``; the diagonal of -1 keeps a chosen point from being chosen again."""
        batch, count, _ = distances.shape
        first_row = torch.arange(0, batch * count, count, device=distances.device)
        flat = distances.view(batch * count, count)
        chosen, pick = [first], first
        nearest = flat.index_select(0, pick + first_row)
        for _ in range(num_clusters - 1):
            pick = nearest.argmax(dim=1)
            chosen.append(pick)
            torch.minimum(nearest, flat.index_select(0, pick + first_row), out=nearest)
        return torch.stack(chosen, dim=1)

    def _settle(self, distances: Tensor, medoids: Tensor) -> Tensor:
        """Move the medoids until each row is at rest. A row at rest stays as it is, whatever the others do."""
        (batch, num_clusters), count = medoids.shape, distances.size(1)
        flat, gap, buffer = distances.view(batch, -1), _label_gap(distances), torch.empty_like(distances)
        at_rest = torch.zeros(batch, 1, dtype=torch.bool, device=medoids.device)
        look_every = 1 if medoids.device.type == 'cpu' else _ITERATIONS_PER_LOOK
        for iteration in range(1, self.iter_limit + 1):
            assign = nearest_medoid(distances, medoids)
            moved = _least_member(distances, assign, num_clusters, gap, buffer)
            step = flat.gather(1, medoids * count + moved).clamp_(min=0).sum(dim=1, keepdim=True)
            medoids = torch.where(at_rest, medoids, moved)
            at_rest = at_rest | (step < self.threshold)
            if iteration % look_every == 0 and bool(at_rest.all()):
                break
        return medoids


def check_points(points: Tensor, num_clusters: int) -> None:
    """Check the arguments of a clustering.

    Raises:
        ValueError: points that are not ``[B, N, D]``, or more clusters than points, or none.
    """
    if points.dim() != 3:
        raise ValueError(f'points {tuple(points.shape)} must have the shape [B, N, D]')
    if not 1 <= num_clusters <= points.size(1):
        raise ValueError(f'num_clusters {num_clusters} is outside 1..{points.size(1)}, the number of points')
