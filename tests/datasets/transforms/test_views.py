import numpy as np
import pytest
from mmengine.registry import init_default_scope

from vlplugins.datasets.transforms.views import MultiView

BRIGHTER, DARKER = [dict(type='RandomBrightness', factor=(2, 2))], [dict(type='RandomBrightness', factor=(0.5, 0.5))]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('vlplugins')


def test_each_view_starts_from_the_image():
    image = np.full((2, 2), 10, dtype=np.uint8)
    views = MultiView(BRIGHTER, num_views=3)(dict(img=image))['img']
    assert [view.max() for view in views] == [20, 20, 20] and image.max() == 10


def test_views_may_have_pipelines_of_their_own():
    views = MultiView([BRIGHTER, DARKER], num_views=[1, 2])(dict(img=np.full((2, 2), 10, dtype=np.uint8)))['img']
    assert [view.max() for view in views] == [20, 5, 5]


@pytest.mark.parametrize('transforms, views', [(BRIGHTER, [1, 1]), ([BRIGHTER, DARKER], 2), ([], 2), (BRIGHTER, 0)])
def test_views_must_match_the_pipelines(transforms, views):
    with pytest.raises(ValueError, match='num_views'):
        MultiView(transforms, views)
