"""Choice of times by how much happens."""

from typing import Optional

import numpy as np


def inverse_cdf_sampling(energy: np.ndarray, positions: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """Times at which given shares of the energy of a sequence have passed.

    ``p = (1 - strength) / (T - 1) + strength * energy / sum(energy)`` for the steps 1..T-1, ``C_t`` its cumulative sum,
    and a time is ``C^-1`` of a position, linear between the frames.

    Args:
        energy: ``[T]``, at least 0; entry t is what happens between the frames t - 1 and t, entry 0 is not used.
        positions: ``[...]`` in 0..1.
        strength: 0 spaces the times evenly, 1 follows the energy alone.

    Returns:
        Real-valued frame indices ``[...]``, 0 to T - 1. Where nothing happens at all they are spaced evenly.

    Raises:
        ValueError: no frame, negative energy, a strength outside 0..1.
    """
    energy, positions = np.asarray(energy, dtype=float), np.asarray(positions, dtype=float)
    if energy.ndim != 1 or not len(energy) or not np.all(energy >= 0):
        raise ValueError(f'energy {energy.shape} must be one number of at least 0 for each of the frames')
    if not 0 <= strength <= 1:
        raise ValueError(f'strength {strength} must be between 0 and 1')
    steps = len(energy) - 1
    if steps == 0:
        return np.zeros_like(positions)
    total = energy[1:].sum()
    uniform = np.full(steps, 1 / steps)
    share = energy[1:] / total if total > 1e-12 else uniform
    cumulative = np.concatenate([[0.0], np.cumsum((1 - strength) * uniform + strength * share)])
    # Strictly increasing also where nothing happens, so that it has an inverse.
    cumulative += np.arange(len(energy)) * 1e-12
    return np.interp(positions, cumulative / cumulative[-1], np.arange(len(energy), dtype=float))


def motion_energy(points: np.ndarray, presence: np.ndarray, floor: Optional[float], smooth: bool) -> np.ndarray:
    """Squared displacement of all joints of all persons from frame to frame.

    Args:
        points: ``[M, T, V, C]``.
        presence: Booleans ``[M, T]``; a step counts where the person is there before and after it.
        floor: Quantile of the steps that counts as noise and is taken off; ``None`` for none.
        smooth: Average with the neighbours (1/4, 1/2, 1/4) first; the ends of a presence are repeated.

    Returns:
        ``[T]``; entry t is the step from t - 1 to t, entry 0 is zero.
    """
    if smooth:
        points = _smooth(points, presence)
    steps = np.square(np.diff(points, axis=1)).sum(axis=(2, 3))
    moved = (steps * (presence[:, 1:] & presence[:, :-1])).sum(axis=0)
    if floor is not None and len(moved):
        moved = np.maximum(moved - np.quantile(moved, floor), 0)
    return np.concatenate([[0.0], moved])


def _smooth(points: np.ndarray, presence: np.ndarray) -> np.ndarray:
    before, after = points.copy(), points.copy()
    before[:, 1:], after[:, :-1] = points[:, :-1], points[:, 1:]
    there_before, there_after = presence.copy(), presence.copy()
    there_before[:, 1:], there_after[:, :-1] = presence[:, :-1], presence[:, 1:]
    before = np.where(there_before[..., None, None], before, points)
    after = np.where(there_after[..., None, None], after, points)
    return 0.25 * before + 0.5 * points + 0.25 * after


def sample_at_times(values: np.ndarray, presence: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Linear interpolation between the frames in which a person is present.

    Args:
        values: ``[M, T, ...]``.
        presence: Booleans ``[M, T]``.
        times: Real-valued frame indices ``[..., L]`` in 0..T-1.

    Returns:
        ``[..., M, L, ...]``; where one of the two neighbours is absent the other one's value, where both are zero.
    """
    last = values.shape[1] - 1
    low = np.clip(np.floor(times).astype(int), 0, max(last - 1, 0))
    high = np.minimum(low + 1, last)
    share = times - low
    weights = np.stack([(1 - share) * presence[:, low], share * presence[:, high]])
    total = weights.sum(axis=0)
    weights = weights / np.where(total > 0, total, 1)
    shape = weights.shape + (1,) * (values.ndim - 2)
    first, second = weights.reshape(shape)
    # Persons behind the clips: [M, ..., L, ...] to [..., M, L, ...].
    return np.moveaxis(first * values[:, low] + second * values[:, high], 0, times.ndim - 1)
