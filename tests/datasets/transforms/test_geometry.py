import numpy as np
import pytest

from vlplugins.datasets.transforms.geometry import RandomAffine

ZERO = dict(scale=(1, 1), rotation=0, shear=0, shift=0)


class Fixed:
    """Stands in for a generator: returns the numbers it was given."""

    def __init__(self, *values):
        self.values = np.array(values)

    def uniform(self, low, high):
        return self.values


def warp_slowly(image, scale_x, scale_y, angle, shear, shift_x, shift_y):
    """Bilinear warp pixel by pixel: each output pixel looks its place up in the input."""
    height, width = image.shape
    cos, sin = np.cos(angle), np.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, shear], [0, 1]]) @ np.diag([scale_x, scale_y])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = np.array([shift_x * width, shift_y * height])
    output = np.zeros_like(image)

    def value(x, y):
        return image[y, x] if 0 <= x < width and 0 <= y < height else 0.0

    for row in range(height):
        for column in range(width):
            x, y = np.linalg.inv(linear) @ (np.array([column, row]) - shift - centre) + centre
            left, top = int(np.floor(x)), int(np.floor(y))
            a, b = x - left, y - top
            output[row, column] = (
                (1 - a) * (1 - b) * value(left, top)
                + a * (1 - b) * value(left + 1, top)
                + (1 - a) * b * value(left, top + 1)
                + a * b * value(left + 1, top + 1)
            )
    return output


@pytest.mark.parametrize(
    'values',
    [
        (1, 1, 0, 0, 0, 0),
        (1.2, 0.8, 0, 0, 0, 0),
        (1, 1, 0.3, 0, 0, 0),
        (1, 1, 0, 0.2, 0, 0),
        (1, 1, 0, 0, 0.125, -0.25),
        (0.9, 1.1, -0.3, 0.2, 0.1, 0.05),
    ],
)
def test_warp_equals_the_slow_one(values):
    image = np.random.default_rng(0).uniform(0, 1, (8, 8)).astype(np.float32)
    warped = RandomAffine(rng=Fixed(*values))(dict(img=image))['img']
    # OpenCV places pixels to 1/32, so values differ by up to a few 1/32 of their range.
    np.testing.assert_allclose(warped, warp_slowly(image, *values), atol=0.07)


def test_no_range_is_the_identity():
    image = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    assert np.array_equal(RandomAffine(**ZERO)(dict(img=image))['img'], image)


def test_generator_gives_the_same_image_twice_and_stays_in_its_ranges():
    image = np.random.default_rng(0).integers(0, 255, (8, 8), dtype=np.uint8)
    first, second = (RandomAffine(rng=np.random.default_rng(3))(dict(img=image))['img'] for _ in range(2))
    assert np.array_equal(first, second) and not np.array_equal(first, image)


@pytest.mark.parametrize('arguments', [dict(scale=(0, 1)), dict(scale=(2, 1)), dict(rotation=-1), dict(shift=-0.1)])
def test_impossible_ranges_are_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        RandomAffine(**arguments)
