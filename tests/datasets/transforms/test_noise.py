import numpy as np
import pytest

from vlplugins.datasets.transforms.noise import AddGaussianNoise, RandomBrightness


def test_brightness_scales_without_clipping():
    image = np.array([[100, 250]], dtype=np.uint8)
    bright = RandomBrightness((1.4, 1.4))(dict(img=image))['img']
    np.testing.assert_allclose(bright, [[140, 350]], rtol=1e-6)
    factors = [RandomBrightness((0.6, 1.4))(dict(img=image))['img'][0, 0] / 100 for _ in range(200)]
    assert 0.6 <= min(factors) < 0.7 and 1.3 < max(factors) <= 1.4


def test_noise_has_its_deviation():
    image = np.full((200, 200), 100, dtype=np.uint8)
    noisy = AddGaussianNoise(14.5, rng=np.random.default_rng(0))(dict(img=image))['img']
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(100, abs=0.3) and noisy.std() == pytest.approx(14.5, rel=0.02)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError):
        RandomBrightness((-0.1, 1))
    with pytest.raises(ValueError):
        AddGaussianNoise(-1)
