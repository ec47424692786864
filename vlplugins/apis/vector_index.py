"""Nearest neighbours among unit vectors: exact, or by faiss."""

from typing import Any, Tuple

import numpy as np

from vlplugins.utils.optional import require

_KINDS = ('exact', 'flat', 'ivf')


class VectorIndex:
    """The vectors with the largest inner product.

    Args:
        features: ``[N, E]``, float32, of unit norm.
        kind: ``'exact'``: NumPy; ``'flat'``: faiss, exact; ``'ivf'``: faiss, in cells of which the nearest ones are
            searched: faster for many vectors, and it may miss some.
        probes: Cells that ``'ivf'`` searches, of about ``sqrt(N)``.

    Raises:
        ValueError: an unknown kind, or no vectors.
        ImportError: faiss is asked for and not installed.
    """

    def __init__(self, features: np.ndarray, kind: str = 'exact', probes: int = 8) -> None:
        if kind not in _KINDS:
            raise ValueError(f'index {kind!r} is unknown; expected one of {_KINDS}')
        if features.ndim != 2 or not len(features):
            raise ValueError(f'features {features.shape} hold no vectors [N, E]')
        self.features = np.ascontiguousarray(features, dtype=np.float32)
        self.kind = kind
        self.index: Any = None if kind == 'exact' else self._build(probes)

    def _build(self, probes: int) -> Any:
        faiss = require('faiss', f'VectorIndex(kind={self.kind!r})')
        count, size = self.features.shape
        flat = faiss.IndexFlatIP(size)
        if self.kind == 'flat':
            flat.add(self.features)
            return flat
        cells = max(1, round(count**0.5))
        index = faiss.IndexIVFFlat(flat, size, cells, faiss.METRIC_INNER_PRODUCT)
        # faiss wants 39 vectors a cell and says so on small sets; there it makes no difference.
        index.cp.min_points_per_centroid = 1
        index.train(self.features)
        index.add(self.features)
        index.nprobe = min(probes, cells)
        return index

    def search(self, queries: np.ndarray, topk: int) -> Tuple[np.ndarray, np.ndarray]:
        """Best vectors of each query.

        Args:
            queries: ``[Q, E]``.
            topk: Vectors wanted; fewer where there are fewer.

        Returns:
            Inner products ``[Q, k]``, descending, and indices ``[Q, k]``; -1 where ``'ivf'`` has found no more.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        topk = min(topk, len(self.features))
        if self.index is not None:
            return self.index.search(queries, topk)
        scores = queries @ self.features.T
        order = np.argsort(-scores, axis=1, kind='stable')[:, :topk]
        return np.take_along_axis(scores, order, axis=1), order
