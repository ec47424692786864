import cv2
import numpy as np
import pytest

from vlplugins.datasets.transforms import JitteredCrop
from vlplugins.datasets.transforms.jittered_crop import cut_window, window_padding

BOX = np.array([[40.0, 30.0, 60.0, 46.0]], dtype=np.float32)


def frames(count=2, box=BOX, shape=(80, 120)):
    image = np.random.default_rng(0).integers(1, 255, (*shape, 3)).astype(np.uint8)
    return dict(img=[image] * count, gt_bboxes=[box] * count)


def test_jitter_keeps_the_middle_of_the_target_inside():
    """The factor is the side of the window, not half of it: 5.5 of jitter stays within 6."""
    crop = JitteredCrop(size=60, rng=np.random.default_rng(0))
    extremes = []
    for _ in range(500):
        result = crop(frames(1))
        if result is None:
            continue
        x0, y0, x1, y1 = result['gt_bboxes'][0][0]
        middle = np.array([x0 + x1, y0 + y1]) / 2
        assert (middle > 0).all() and (middle < 60).all()
        extremes.append(middle)
    assert np.min(extremes) < 6 and np.max(extremes) > 54


def test_frames_of_a_clip_are_cropped_independently():
    result = JitteredCrop(size=60, rng=np.random.default_rng(0))(frames(3))
    assert len(set(result['window'])) == 3
    assert not np.array_equal(result['img'][0], result['img'][1])


def test_box_stays_on_its_object():
    image = np.zeros((80, 120, 3), np.uint8)
    image[30:46, 40:60] = 255
    crop = JitteredCrop(size=120, rng=np.random.default_rng(2))
    for _ in range(20):
        result = crop(dict(img=[image], gt_bboxes=[BOX]))
        ys, xs = np.nonzero(result['img'][0][..., 0] > 127)
        x0, y0, x1, y1 = result['gt_bboxes'][0][0].clip(0, 120)
        np.testing.assert_allclose([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], [x0, y0, x1, y1], atol=1.5)


def test_without_jitter_the_window_is_the_search_window():
    crop = JitteredCrop(size=60, factor=4.0, center_jitter=0, scale_jitter=0)
    left, top, side = crop.draw_window(BOX[0])
    # The root of 20 x 16 times 4, rounded up, about (50, 38).
    assert (left, top, side) == (14, 2, 72)
    assert crop(frames(1))['scale_factor'] == [(60 / 72, 60 / 72)]


def test_padding_is_what_lies_beside_the_image():
    image = np.full((40, 40, 3), 200, np.uint8)
    for left, top, side, size in ((-10, 5, 50, 25), (-3, -3, 20, 60), (0, 0, 40, 40), (25, 10, 30, 30)):
        crop, mask = cut_window(image, left, top, side, size), window_padding(left, top, side, size, (40, 40))
        padded = cv2.copyMakeBorder(image, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=0)
        window = padded[60 + top : 60 + top + side, 60 + left : 60 + left + side]
        np.testing.assert_array_equal(crop, cv2.resize(window, (size, size), interpolation=cv2.INTER_LINEAR))
        # Half of the grey, or at a corner less than half of it.
        assert (crop[mask][:, 0] <= 100).all() and (crop[~mask][:, 0] > 50).all()
        assert mask.any() == (left < 0 or top < 0 or left + side > 40 or top + side > 40)


def test_windows_beside_the_image_are_of_no_use():
    outside = np.array([[500.0, 500.0, 510.0, 510.0]], dtype=np.float32)
    crop = JitteredCrop(size=64, stride=16, center_jitter=0)
    assert crop(frames(2, box=outside)) is None
    # One column of the image is left, but no place that the network reads shows it.
    narrow = JitteredCrop(size=64, stride=16, factor=1.0, center_jitter=0, scale_jitter=0)
    edge = np.array([[-63.0, 0.0, 1.0, 64.0]], dtype=np.float32)
    assert narrow(frames(1, box=edge)) is None
    assert JitteredCrop(size=64, stride=1, factor=1.0, center_jitter=0, scale_jitter=0)(frames(1, box=edge)) is not None


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match='stride 100'):
        JitteredCrop(size=64, stride=100)
