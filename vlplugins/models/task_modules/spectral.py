"""Batched spectral clustering that ends in medoids (CenterCLIP)."""

import math
from typing import Optional, Tuple

import torch
from torch import Tensor

from vlplugins.models.task_modules.kmedoids import KMedoids, check_points, scaled_to_unit, squared_distances
from vlplugins.registry import TASK_UTILS

_GRAPHS = ('KNN', 'HeatKernel')
_SOLVERS = ('eigh', 'svd')
# Reach of an edge of the spatial-temporal graph: frames, and rows or columns on small and on large grids.
_TIME_REACH, _SMALL_REACH, _LARGE_REACH = 3, 4, 9
_LARGE_GRID = 100


def neighbour_count(num_points: int, num_frames: int, knn_k: Optional[int] = None) -> int:
    """Neighbours of a point in the graph, itself counted: ``knn_k``, or by the size where it is below 5 or ``None``."""
    if knn_k is None or knn_k < 5:
        knn_k = 5 * num_frames + (0 if num_points // num_frames < _LARGE_GRID else 5)
    return min(knn_k, num_points)


def spatial_temporal_mask(num_points: int, num_frames: int, device: torch.device) -> Tensor:
    """Pairs ``[N, N]`` of tokens that are near in time, row and column; the tokens of a frame form a square.

    Raises:
        ValueError: they do not.
    """
    tokens = num_points // num_frames
    side = math.isqrt(tokens)
    if side * side * num_frames != num_points:
        raise ValueError(
            f'spatial_temporal_graph needs a square grid of tokens, found {num_points} tokens of {num_frames} frames'
        )
    index = torch.arange(num_points, device=device)
    reach = _SMALL_REACH if tokens < _LARGE_GRID else _LARGE_REACH
    mask = torch.ones(num_points, num_points, dtype=torch.bool, device=device)
    for place, most in (
        (index // tokens, _TIME_REACH),
        (index % tokens // side, reach),
        (index % side, reach),
    ):
        mask &= (place[:, None] - place[None, :]).abs() <= most
    return mask


def correct_signs(vectors: Tensor) -> Tensor:
    """Turn each column of ``vectors [B, N, K]`` so that the sum of its signed squares is not negative.

    The rule of Bro et al. (2008) for a symmetric positive semi-definite matrix, whose right singular vectors are its
    left ones; the singular value is a positive factor of the sum. A column whose sum is 0 is kept.
    """
    balance = (vectors.sign() * vectors.square()).sum(dim=1, keepdim=True)
    return torch.where(balance < 0, -vectors, vectors)


@TASK_UTILS.register_module()
class SpectralClustering:
    """Chooses K of N points by k-medoids++ on the spectral embedding of their graph (CenterCLIP, SIGIR 2022).

    Weights ``exp(-||x_i - x_j||^2 / (2 sigma^2))``, optionally of near neighbours alone; the K eigenvectors of the
    smallest eigenvalues of the symmetric normalised Laplacian (Ng, Jordan, Weiss, 2002), rows scaled to unit norm.
    In single precision without gradient, also under autocast; deterministic.

    The distances do not depend on the signs of the eigenvectors, so ``correct_sign`` makes the embedding reproducible
    and changes no cluster.

    Args:
        graph: ``'KNN'``: keep weights to the k nearest of either point; ``'HeatKernel'``: keep all.
        knn_k: Neighbours, the point itself counted. ``None`` or below 5: five a frame, and five more where a frame
            has 100 tokens or more. At most N.
        sigma: Width of the kernel, positive.
        mutual: An edge needs each of both points among the neighbours of the other.
        spatial_temporal_graph: Keep only edges between tokens near in time and place; needs square grids.
        correct_sign: Fix the signs of the eigenvectors.
        solver: ``'eigh'``, or ``'svd'`` as in the release (slower; the same subspace).
        metric: As in :class:`KMedoids`, on the embedding; so are the next five.
        p: Order of the norm.
        iter_limit: Most iterations.
        threshold: When a row is at rest.
        id_sort: Sort the medoids in ascending order.
        split_size: Rows that are worked on at a time.
        pre_norm: Scale the points to unit norm before the graph is made.

    Raises:
        ValueError: an argument outside the values above.
    """

    def __init__(
        self,
        graph: str = 'KNN',
        knn_k: Optional[int] = None,
        sigma: float = 2.0,
        mutual: bool = False,
        spatial_temporal_graph: bool = False,
        correct_sign: bool = True,
        solver: str = 'eigh',
        metric: str = 'euclidean',
        p: float = 2.0,
        iter_limit: int = 100,
        threshold: float = 1e-6,
        id_sort: bool = True,
        split_size: int = 16,
        pre_norm: bool = False,
    ) -> None:
        if graph not in _GRAPHS:
            raise ValueError(f'graph {graph!r} is unknown; expected one of {_GRAPHS}')
        if solver not in _SOLVERS:
            raise ValueError(f'solver {solver!r} is unknown; expected one of {_SOLVERS}')
        if not sigma > 0:
            raise ValueError(f'sigma {sigma} must be positive')
        self.graph, self.knn_k, self.sigma, self.mutual = graph, knn_k, sigma, mutual
        self.spatial_temporal_graph = spatial_temporal_graph
        self.correct_sign, self.solver, self.pre_norm = correct_sign, solver, pre_norm
        self.kmedoids = KMedoids(metric, p, iter_limit, threshold, id_sort, split_size=split_size)

    @torch.no_grad()
    def __call__(self, points: Tensor, num_clusters: int, num_frames: int = 1) -> Tuple[Tensor, Tensor]:
        """Cluster.

        Args:
            points: ``[B, N, D]``.
            num_clusters: K, from 1 to N.
            num_frames: Frames that the N points come from, N / ``num_frames`` of each.

        Returns:
            ``assign [B, N]`` in 0..K-1 and ``medoids [B, K]``, distinct indices of points.

        Raises:
            ValueError: another shape, K outside 1..N, ``num_frames`` not a divisor of N, or a matrix whose
                eigenvectors are not found; the row is named.
        """
        check_points(points, num_clusters)
        if points.size(1) % num_frames:
            raise ValueError(f'{points.size(1)} points do not come from {num_frames} frames in equal parts')
        with torch.autocast(points.device.type, enabled=False):
            points = points.float().nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
            if self.pre_norm:
                points = scaled_to_unit(points)
            size = self.kmedoids.split_size
            parts = [
                self.embed(part, num_clusters, num_frames, first_row=index * size)
                for index, part in enumerate(points.split(size))
            ]
            embedding = torch.cat(parts)
            # After scaling, all norms are 1 up to rounding; the norms before keep the order that they would have.
            return self.kmedoids(scaled_to_unit(embedding), num_clusters, start_keys=embedding.norm(dim=-1))

    def affinity(self, points: Tensor, num_frames: int = 1) -> Tensor:
        """Weights ``[B, N, N]`` of the graph of ``points [B, N, D]``: symmetric, with ones on the diagonal."""
        weights = torch.exp(squared_distances(points) / (-2 * self.sigma**2))
        count = points.size(1)
        if self.graph == 'KNN':
            neighbours = neighbour_count(count, num_frames, self.knn_k)
            keep = weights >= weights.topk(neighbours, dim=2).values[:, :, -1:]
            other = keep.transpose(1, 2)
            weights = weights * (keep & other if self.mutual else keep | other)
        if self.spatial_temporal_graph:
            weights = weights * spatial_temporal_mask(count, num_frames, points.device)
        return weights

    def embed(self, points: Tensor, num_clusters: int, num_frames: int = 1, first_row: int = 0) -> Tensor:
        """Eigenvectors ``[B, N, K]`` of the K smallest eigenvalues, ascending, of the graph of ``points [B, N, D]``.

        ``first_row`` is the row of the whole batch at which these begin, for the message of an error.
        """
        weights = self.affinity(points, num_frames)
        scale = weights.sum(dim=2).clamp(min=1e-12).rsqrt()
        laplacian = -scale[:, :, None] * weights * scale[:, None, :]
        laplacian.diagonal(dim1=1, dim2=2).add_(1.0)
        vectors = self._decompose(laplacian, first_row)[:, :, :num_clusters]
        return correct_signs(vectors) if self.correct_sign else vectors

    def _vectors(self, laplacian: Tensor) -> Tensor:
        if self.solver == 'svd':
            return torch.linalg.svd(laplacian).U.flip(dims=(2,))
        return torch.linalg.eigh(laplacian).eigenvectors

    def _decompose(self, laplacian: Tensor, first_row: int) -> Tensor:
        """Eigenvectors ``[B, N, N]``, ascending; in double precision where single precision does not converge."""
        try:
            return self._vectors(laplacian)
        except torch.linalg.LinAlgError:
            rows = []
        for index, matrix in enumerate(laplacian.double()):
            try:
                rows.append(self._vectors(matrix[None])[0])
            except torch.linalg.LinAlgError as error:
                row = first_row + index
                raise ValueError(f'the eigenvectors of row {row} of the batch are not found: {error}') from None
        return torch.stack(rows).to(laplacian.dtype)
