import numpy as np
import pytest

from vlplugins.visualization.base import render
from vlplugins.visualization.image_grid import image_grid


def images(count):
    return [np.full((6, 5, 3), 40 * index, dtype=np.uint8) for index in range(count)]


@pytest.mark.parametrize('count, columns, rows, wide', [(1, 4, 1, 1), (4, 4, 1, 4), (5, 4, 2, 4), (5, 2, 3, 2)])
def test_rows_and_columns(count, columns, rows, wide):
    figure = image_grid(images(count), columns=columns)
    shape = figure.axes[0].get_subplotspec().get_gridspec().get_geometry()
    assert shape == (rows, wide) and len(figure.axes) == rows * wide
    shown = [axes.get_images()[0].get_array() for axes in figure.axes if axes.get_images()]
    assert [int(image[0, 0, 0]) for image in shown] == [40 * index for index in range(count)]


def test_titles_stand_over_their_images():
    figure = image_grid(images(3), ['a', 'b'])
    assert [axes.get_title() for axes in figure.axes] == ['a', 'b', '']


def test_grey_images_keep_their_brightness():
    """Without the range of 8 bits a dark image would be stretched to black and white."""
    picture = render(image_grid([np.full((4, 4), 100, dtype=np.uint8)]))
    middle = picture[picture.shape[0] // 2, picture.shape[1] // 2]
    assert middle.tolist() == [100, 100, 100]


def test_nothing_to_draw_is_told():
    with pytest.raises(ValueError, match='no image'):
        image_grid([])
