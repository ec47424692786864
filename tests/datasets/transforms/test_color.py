import colorsys

import numpy as np
import pytest
from mmcv.transforms import RandomGrayscale
from PIL import Image, ImageEnhance, ImageOps

from vlplugins.datasets.transforms import color
from vlplugins.datasets.transforms.color import ColorJitter, GaussianBlur, Lighting, Solarize


@pytest.fixture
def image():
    """Smooth colours and all levels, BGR."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (32, 40, 3), dtype=np.uint8)


def pillow(image):
    return Image.fromarray(np.ascontiguousarray(image[..., ::-1]))


def bgr(picture):
    return np.asarray(picture)[..., ::-1].astype(int)


@pytest.mark.parametrize('factor', [0.0, 0.6, 1.0, 1.4])
@pytest.mark.parametrize(
    'function, enhancer',
    [
        (color.adjust_brightness, ImageEnhance.Brightness),
        (color.adjust_contrast, ImageEnhance.Contrast),
        (color.adjust_saturation, ImageEnhance.Color),
    ],
)
def test_adjustments_equal_pillow(image, function, enhancer, factor):
    expected = bgr(enhancer(pillow(image)).enhance(factor))
    # Pillow truncates where OpenCV rounds, in the grey image and in the blend.
    assert np.abs(function(image, factor).astype(int) - expected).max() <= 2


@pytest.mark.parametrize('shift', [-0.5, -0.1, 0.0, 0.1, 0.3])
def test_hue_turns_by_the_shift(image, shift):
    turned = color.adjust_hue(image, shift).astype(float) / 255
    for row, column in [(0, 0), (3, 5), (10, 20), (31, 39)]:
        b, g, r = image[row, column].astype(float) / 255
        hue, saturation, value = colorsys.rgb_to_hsv(r, g, b)
        expected = colorsys.hsv_to_rgb((hue + shift) % 1, saturation, value)
        # Hue and saturation pass through 8 bits: an error of a few levels.
        assert np.abs(turned[row, column][::-1] - expected).max() < 6 / 255


def test_jitter_without_amounts_is_the_identity_and_with_them_random(image):
    assert np.array_equal(ColorJitter()(dict(img=image))['img'], image)
    jitter = ColorJitter(0.4, 0.4, 0.4, 0.1, rng=np.random.default_rng(0))
    first, second = jitter(dict(img=image))['img'], jitter(dict(img=image))['img']
    assert not np.array_equal(first, second) and first.dtype == np.uint8
    again = ColorJitter(0.4, 0.4, 0.4, 0.1, rng=np.random.default_rng(0))(dict(img=image))['img']
    assert np.array_equal(first, again)


def test_jitter_draws_its_ranges_in_any_order(monkeypatch, image):
    drawn = {'b': [], 'c': [], 's': [], 'h': []}
    orders = set()
    order = []

    def recorder(key):
        def record(picture, amount):
            drawn[key].append(amount)
            order.append(key)
            return picture

        return record

    names = ('adjust_brightness', 'adjust_contrast', 'adjust_saturation', 'adjust_hue')
    for key, name in zip(drawn, names):
        monkeypatch.setattr(color, name, recorder(key))
    jitter = ColorJitter(0.4, 0.4, 1.5, 0.1, rng=np.random.default_rng(0))
    for _ in range(300):
        order.clear()
        jitter(dict(img=image))
        orders.add(tuple(order))
    assert len(orders) == 24
    for key, low, high in (('b', 0.6, 1.4), ('s', 0.0, 2.5), ('h', -0.1, 0.1)):
        spread = high - low
        assert low <= min(drawn[key]) < low + 0.05 * spread and high - 0.05 * spread < max(drawn[key]) <= high


def test_solarize_equals_pillow(image):
    expected = bgr(ImageOps.solarize(pillow(image), threshold=128))
    assert np.array_equal(Solarize(128)(dict(img=image))['img'], expected)


def test_grayscale_of_the_configs_equals_pillow(image):
    transform = RandomGrayscale(prob=1.0, keep_channels=True, channel_weights=(0.114, 0.587, 0.299))
    grey = transform(dict(img=image))['img']
    assert grey.shape == image.shape
    assert np.abs(grey.astype(int) - bgr(pillow(image).convert('L').convert('RGB'))).max() <= 1


def test_blur_equals_the_convolution():
    image = np.zeros((21, 21), dtype=np.float32)
    image[10, 10] = 1.0
    blurred = GaussianBlur((1.5, 1.5))(dict(img=image))['img']
    offsets = np.arange(-10, 11)
    kernel = np.exp(-(offsets**2) / (2 * 1.5**2))
    kernel /= kernel.sum()
    # OpenCV cuts the kernel off at a few standard deviations.
    np.testing.assert_allclose(blurred, np.outer(kernel, kernel), atol=2e-4)


def test_lighting_shifts_along_the_components():
    class One:
        def normal(self, mean, std, size):
            return np.array([1.0, 0.0, 0.0])

    shifted = Lighting(0.1, rng=One())(dict(img=np.zeros((1, 1, 3), np.uint8)))['img'][0, 0]
    # The first component times its eigenvalue, in BGR order.
    np.testing.assert_allclose(shifted, [55.4625 * -0.5836, 55.4625 * -0.5808, 55.4625 * -0.5675], rtol=1e-5)


@pytest.mark.parametrize('make', [lambda: ColorJitter(hue=0.6), lambda: ColorJitter(-1), lambda: GaussianBlur((0, 1))])
def test_impossible_arguments_are_refused(make):
    with pytest.raises(ValueError):
        make()
