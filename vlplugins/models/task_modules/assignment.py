"""Who belongs to whom: pairs of least cost, with costs that are too high."""

from typing import Tuple

import numpy as np
from scipy.optimize import linear_sum_assignment

# A pair that must not be.
NEVER = 1e6


def match(costs: np.ndarray, limit: float, jointly: bool = False) -> Tuple[np.ndarray, np.ndarray]:
    """Pairs of rows and columns of least cost in sum, none above ``limit``.

    Args:
        costs: ``[R, C]``.
        limit: The highest cost of a pair.
        jointly: Weigh pairs against staying alone, at half the limit for each of the two, as ``lap`` does with a
            ``cost_limit``. Otherwise all are paired first, then pairs that cost too much are parted.

    Returns:
        Rows and columns of the pairs, int64 ``[P]`` each.
    """
    rows, columns = costs.shape
    if not rows or not columns:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    table = costs
    if jointly:
        table = np.full((rows + columns, rows + columns), limit / 2)
        table[:rows, :columns], table[rows:, columns:] = costs, 0
    row, column = linear_sum_assignment(table)
    paired = (row < rows) & (column < columns)
    row, column = row[paired], column[paired]
    kept = costs[row, column] <= limit
    return row[kept], column[kept]


def pair_ious(first: np.ndarray, second: np.ndarray, generalised: bool = False) -> np.ndarray:
    """IoU, or generalised IoU, of each of ``first [R, 4]`` with each of ``second [C, 4]``, xyxy; ``[R, C]``."""
    first, second = np.asarray(first, np.float64)[:, None], np.asarray(second, np.float64)[None]
    area = [(each[..., 2:] - each[..., :2]).prod(axis=-1) for each in (first, second)]
    low, high = np.maximum(first[..., :2], second[..., :2]), np.minimum(first[..., 2:], second[..., 2:])
    inside = (high - low).clip(min=0).prod(axis=-1)
    union = (area[0] + area[1] - inside).clip(min=1e-9)
    if not generalised:
        return inside / union
    low, high = np.minimum(first[..., :2], second[..., :2]), np.maximum(first[..., 2:], second[..., 2:])
    around = (high - low).prod(axis=-1).clip(min=1e-9)
    return inside / union - (around - union) / around
