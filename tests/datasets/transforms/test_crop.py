import numpy as np
import pytest

from vlplugins.datasets.transforms.crop import RandomResizedCrop, ResizeEdge


def test_boxes_lie_inside_and_fill_the_ranges():
    crop = RandomResizedCrop(8, scale=(0.2, 1.0), rng=np.random.default_rng(0))
    boxes = np.array([crop.draw_box(100, 120) for _ in range(3000)])
    top, left, height, width = boxes.T
    assert (top >= 0).all() and (left >= 0).all() and (top + height <= 100).all() and (left + width <= 120).all()
    area, aspect = height * width / 12000, width / height
    assert 0.19 < area.min() < 0.22 and area.max() > 0.9
    assert 0.74 < aspect.min() < 0.77 and 1.3 < aspect.max() < 1.35
    # Log-uniform: as many wide as tall parts among small ones, which always fit.
    small = area < 0.5
    assert (aspect[small] > 1).mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize('shape, box', [((10, 100), (0, 43, 10, 13)), ((100, 10), (43, 0, 13, 10))])
def test_extreme_images_get_their_central_part(shape, box):
    assert RandomResizedCrop(8, scale=(0.9, 1.0), rng=np.random.default_rng(0)).draw_box(*shape) == box


def test_part_is_cut_and_resized():
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    crop = RandomResizedCrop(16, rng=np.random.default_rng(0))
    results = crop(dict(img=image))
    assert results['img'].shape == (16, 16, 3) and results['img_shape'] == (16, 16)
    exact = RandomResizedCrop(4)
    exact.draw_box = lambda height, width: (2, 3, 4, 4)
    assert np.array_equal(exact(dict(img=image))['img'], image[2:6, 3:7])


@pytest.mark.parametrize('edge, size', [('short', (256, 384)), ('long', (171, 256))])
def test_edge_gets_its_length(edge, size):
    results = ResizeEdge(256, edge)(dict(img=np.zeros((100, 150, 3), np.uint8)))
    assert results['img'].shape[:2] == size == results['img_shape']


@pytest.mark.parametrize(
    'make',
    [
        lambda: RandomResizedCrop(8, scale=(0, 1)),
        lambda: RandomResizedCrop(8, ratio=(2, 1)),
        lambda: RandomResizedCrop(8, interpolation='lanczos'),
        lambda: ResizeEdge(8, edge='width'),
    ],
)
def test_impossible_arguments_are_refused(make):
    with pytest.raises(ValueError):
        make()
