import cv2
import numpy as np
import pytest
import torch

from vlplugins.models.layers.search_windows import cut_windows, padding_of_map, window_padding, windows_around


def boxes_of(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def test_windows_have_the_area_of_the_box_times_the_squared_factor():
    windows = windows_around(boxes_of([10, 20, 30, 65], [0, 0, 4, 4]), factor=6.0, size=64)
    # Root of 20 * 45 is 30; the centres are (20, 42.5) and (2, 2).
    assert windows.side.tolist() == [180.0, 24.0]
    assert windows.corner.tolist() == [[-70.0, -48.0], [-10.0, -10.0]]
    assert windows.boxes.tolist() == [[-70.0, -48.0, 110.0, 132.0], [-10.0, -10.0, 14.0, 14.0]]


def test_boxes_go_into_windows_and_back():
    boxes = boxes_of([10, 20, 30, 65], [0, 0, 4, 4])
    windows = windows_around(boxes, 6.0, 64)
    inside = windows.from_frame(boxes)
    assert inside[1].tolist() == pytest.approx([10 * 64 / 24, 10 * 64 / 24, 14 * 64 / 24, 14 * 64 / 24])
    torch.testing.assert_close(windows.to_frame(inside), boxes)


@pytest.mark.parametrize('box', [[30, 20, 44, 40], [0, 2, 7, 6], [70, 50, 96, 64], [-5, -4, 9, 8]])
@pytest.mark.parametrize('size', [32, 50])
def test_windows_are_crops_that_are_resized(box, size):
    image = np.random.default_rng(0).normal(size=(64, 96, 3)).astype(np.float32)
    windows = windows_around(boxes_of(box), 4.0, size)
    (left, top), side = windows.corner[0].int().tolist(), int(windows.side)
    padded = cv2.copyMakeBorder(image, 120, 120, 120, 120, cv2.BORDER_CONSTANT, value=(0.5, -1.0, 2.0))
    expected = cv2.resize(padded[120 + top :, 120 + left :][:side, :side], (size, size))
    found, padding = cut_windows(torch.tensor(image).permute(2, 0, 1), windows, torch.tensor([0.5, -1.0, 2.0]))
    np.testing.assert_allclose(found[0].permute(1, 2, 0).numpy(), expected, atol=2e-4)
    beside = cv2.copyMakeBorder(np.zeros((64, 96)), 120, 120, 120, 120, cv2.BORDER_CONSTANT, value=1.0)
    beside = cv2.resize(beside[120 + top :, 120 + left :][:side, :side], (size, size))
    sure = (beside == 0) | (beside == 1)
    assert (padding[0].numpy() == beside)[sure].all()
    assert torch.equal(padding, window_padding(windows, 96, 64))


def test_padding_of_a_map_takes_the_nearest_pixel_and_never_all():
    padding = torch.zeros(2, 8, 8, dtype=torch.bool)
    padding[0, :, 5:] = True
    padding[1] = True
    small = padding_of_map(padding, (2, 2))
    # Pixels 0 and 4 stand for the places of a map of stride 4.
    assert small.tolist() == [[[False, False], [False, False]]] * 2
    padding[0, :, 4:] = True
    assert padding_of_map(padding, (2, 2))[0].tolist() == [[False, True], [False, True]]
