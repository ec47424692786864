import pytest
import torch

pytest.importorskip('mmdet')

from vlplugins.models.layers.box_crops import BoxCrops, sound_boxes  # noqa: E402

STRIDES = (8, 16, 32, 64)


def numbered_maps(size=2048):
    """Maps whose values are the number of the map."""
    return [torch.full((1, 3, size // stride, size // stride), float(number)) for number, stride in enumerate(STRIDES)]


def test_corners_are_put_in_order_and_sides_are_kept_above_the_least():
    boxes = torch.tensor([[5.0, 8.0, 1.0, 2.0], [4.0, 4.0, 4.0, 4.5], [0.0, 0.0, 3.0, 2.0]])
    expected = torch.tensor([[1.0, 2.0, 5.0, 8.0], [3.5, 3.75, 4.5, 4.75], [0.0, 0.0, 3.0, 2.0]])
    torch.testing.assert_close(sound_boxes(boxes), expected)


def test_turned_corners_have_no_gradient():
    boxes = torch.tensor([[30.0, 5.0, 10.0, 25.0], [10.0, 5.0, 30.0, 25.0]], requires_grad=True)
    ordered = sound_boxes(boxes)
    (ordered[:, 2] - ordered[:, 0]).sum().backward()
    # Wider goes uphill for corners in order; for turned ones uphill would be the wrong way.
    assert boxes.grad.tolist() == [[0, 0, 0, 0], [-1, 0, 1, 0]]


def test_maps_follow_the_size_of_a_box():
    crops = BoxCrops(dim=3, output_size=1)
    sides = torch.tensor([60.0, 112.0, 224.0, 448.0, 896.0, 1800.0])
    # A rounding error below a bound would choose the map before.
    boxes = torch.stack([torch.zeros(6), torch.zeros(6), sides + 0.5, sides + 0.5], dim=-1)[None]
    assert crops(numbered_maps(), boxes).flatten(1).mean(dim=1).tolist() == [0, 0, 1, 2, 3, 3]


def test_one_map_may_serve_all_boxes_of_all_images():
    crops = BoxCrops(dim=1, output_size=1)
    # Stride 16: columns have the values 0, 1, ..., the second image 100 more.
    columns = torch.arange(8.0).expand(1, 1, 8, 8)
    maps = [None, torch.cat([columns, columns + 100]), None, None]
    # Centres at the middle of the columns 1 and 4.
    boxes = torch.tensor([[16.0, 16.0, 32.0, 32.0], [64.0, 16.0, 80.0, 32.0]]).expand(2, 2, 4)
    assert crops(maps, boxes, level=1).flatten().tolist() == pytest.approx([1, 4, 101, 104])


def test_a_square_around_the_box_may_be_cropped():
    crops = BoxCrops(dim=1, output_size=1, expand_scale=4.0)
    boxes = torch.tensor([[[10.0, 20.0, 14.0, 36.0]]])
    # Of the area 64 four times: a side of 16, half of it on each side of (12, 28).
    assert crops._square(boxes).tolist() == [[[4.0, 20.0, 20.0, 36.0]]]


def test_no_box_and_turned_boxes():
    crops = BoxCrops(dim=3, output_size=2)
    assert crops(numbered_maps(256), torch.zeros(1, 0, 4)).shape == (0, 3, 2, 2)
    assert crops(numbered_maps(256), torch.tensor([[[30.0, 40.0, 10.0, 5.0]]])).isfinite().all()


def test_maps_have_a_gradient_and_boxes_have_none():
    crops = BoxCrops(dim=2, output_size=2)
    maps = [torch.randn(1, 2, 64 // stride, 64 // stride, requires_grad=True) for stride in STRIDES]
    boxes = torch.tensor([[[3.0, 3.0, 40.0, 40.0]]], requires_grad=True)
    crops(maps, boxes, level=0).sum().backward()
    assert maps[0].grad.any() and boxes.grad is None
