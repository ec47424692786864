import numpy as np
import pytest

from vlplugins.datasets.transforms.functional.inverse_cdf import (
    inverse_cdf_sampling,
    motion_energy,
    sample_at_times,
)

GRID = np.linspace(0, 1, 9)


def test_no_strength_and_no_energy_are_even():
    even = np.linspace(0, 20, 9)
    energy = np.random.default_rng(0).random(21)
    np.testing.assert_allclose(inverse_cdf_sampling(energy, GRID, 0.0), even, atol=1e-9)
    np.testing.assert_allclose(inverse_cdf_sampling(np.zeros(21), GRID, 1.0), even, atol=1e-9)
    # Two frames have nothing between them to choose from.
    np.testing.assert_allclose(inverse_cdf_sampling(np.array([0.0, 3.0]), GRID, 0.8), GRID, atol=1e-9)


def test_by_hand():
    """Steps 1, 3: a quarter of the energy is in the first, so half of the rows lie at a third of the second."""
    times = inverse_cdf_sampling(np.array([0.0, 1.0, 3.0]), np.array([0, 0.25, 0.5, 1.0]), 1.0)
    np.testing.assert_allclose(times, [0, 1, 1 + 1 / 3, 2], atol=1e-9)
    # Mixed by halves with even steps: 3/8 and 5/8.
    times = inverse_cdf_sampling(np.array([0.0, 1.0, 3.0]), np.array([3 / 8, 11 / 16]), 0.5)
    np.testing.assert_allclose(times, [1, 1.5], atol=1e-9)


def test_one_frame_is_time_zero_and_bad_input_is_told():
    assert not inverse_cdf_sampling(np.array([5.0]), GRID).any()
    for bad in (np.zeros(0), np.array([0.0, -1.0]), np.array([0.0, np.nan])):
        with pytest.raises(ValueError, match='energy'):
            inverse_cdf_sampling(bad, GRID)
    with pytest.raises(ValueError, match='strength'):
        inverse_cdf_sampling(np.zeros(3), GRID, 1.5)


def test_energy_equals_the_loop():
    generator = np.random.default_rng(0)
    points, presence = generator.normal(size=(2, 7, 4, 3)), np.ones((2, 7), bool)
    presence[1, :3] = False
    points[1, :3] = 0
    smoothed = np.zeros_like(points)
    for m in range(2):
        for t in range(7):
            before = points[m, t - 1] if t > 0 and presence[m, t - 1] else points[m, t]
            after = points[m, t + 1] if t < 6 and presence[m, t + 1] else points[m, t]
            smoothed[m, t] = before / 4 + points[m, t] / 2 + after / 4
    expected = np.zeros(7)
    for t in range(1, 7):
        for m in range(2):
            if presence[m, t] and presence[m, t - 1]:
                expected[t] += ((smoothed[m, t] - smoothed[m, t - 1]) ** 2).sum()
    np.testing.assert_allclose(motion_energy(points, presence, None, True), expected)
    floored = np.maximum(expected[1:] - np.median(expected[1:]), 0)
    np.testing.assert_allclose(motion_energy(points, presence, 0.5, True)[1:], floored)
    assert motion_energy(points[:, :1], presence[:, :1], 0.5, True).tolist() == [0.0]


def test_values_between_present_frames_alone():
    values = np.array([[1.0, 3.0, 0.0, 7.0]])[..., None]
    presence = np.array([[True, True, False, True]])
    times = np.array([[0.0, 0.25, 1.0, 1.5, 2.0, 2.75, 3.0]])
    found = sample_at_times(values, presence, times)
    assert found.shape == (1, 1, 7, 1)
    # 1.5 lies between a present and an absent frame: the present one; 2.0 is absent; 2.75 has only what follows.
    np.testing.assert_allclose(found[0, 0, :, 0], [1, 1.5, 3, 3, 0, 7, 7])


def test_several_clips_and_one_frame():
    values = np.random.default_rng(0).normal(size=(2, 5, 3))
    times = np.array([[0.0, 1.5], [2.0, 4.0], [3.25, 0.0]])
    found = sample_at_times(values, np.ones((2, 5), bool), times)
    assert found.shape == (3, 2, 2, 3)
    np.testing.assert_allclose(found[2, 1, 0], 0.75 * values[1, 3] + 0.25 * values[1, 4])
    alone = sample_at_times(values[:, :1], np.ones((2, 1), bool), np.zeros((1, 4)))
    np.testing.assert_allclose(alone[0], np.repeat(values[:, :1], 4, axis=1))
