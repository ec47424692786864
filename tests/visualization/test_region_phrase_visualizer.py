import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData

from vlplugins.structures.region_phrase_data_sample import RegionPhraseDataSample
from vlplugins.visualization import RegionPhraseVisualizer

IMAGE = np.full((40, 60, 3), (10, 20, 200), np.uint8)


def sample(**meta):
    found = RegionPhraseDataSample(metainfo=dict(ori_shape=(40, 60), text=['a $red$ block', 'a dog'], **meta))
    found.pred_instances = InstanceData(
        bboxes=torch.tensor([[1.0, 2, 20, 30], [5, 5, 50, 35], [0, 0, 9, 9]]),
        scores=torch.tensor([0.25, 0.9, 0.1]),
        labels=torch.tensor([0, 1, 0]),
    )
    found.gt_instances = InstanceData(bboxes=torch.tensor([[2.0, 2, 22, 30]]))
    return found


def labels(axes):
    return [text.get_text() for text in axes.texts]


def test_boxes_have_their_phrase_and_score_and_the_best_lies_on_top():
    (axes,) = RegionPhraseVisualizer(max_boxes=2).draw(IMAGE, sample()).axes
    assert labels(axes) == ['truth', r'a \$red\$ block 0.25', 'a dog 0.90']
    # The label of a box at the top of the image stands inside of it.
    assert [text.get_va() for text in axes.texts] == ['top', 'top', 'bottom']
    drawn = axes.lines[-1]
    assert (min(drawn.get_xdata()), min(drawn.get_ydata())) == (5, 5)
    assert (max(drawn.get_xdata()), max(drawn.get_ydata())) == (50, 35)
    np.testing.assert_array_equal(axes.images[0].get_array()[0, 0], [200, 20, 10])


def test_a_packed_and_resized_image_lies_under_boxes_of_the_file():
    packed = dict(image=torch.zeros(3, 16, 16, dtype=torch.uint8))
    (axes,) = RegionPhraseVisualizer().draw(packed, sample(), draw_gt=False).axes
    assert axes.images[0].get_extent() == [0, 60, 40, 0] and len(labels(axes)) == 3
    (axes,) = RegionPhraseVisualizer().draw(packed, sample(gt_phrases=['a block', 'dog']), draw_pred=False).axes
    assert labels(axes) == ['truth'] and axes.get_title() == 'a \\$red\\$ block\na dog\na block | dog'


def test_labels_without_texts_are_classes():
    found = sample()
    found.set_metainfo(dict(text=[]))
    visualizer = RegionPhraseVisualizer()
    visualizer.dataset_meta = dict(classes=('cat',))
    (axes,) = visualizer.draw(IMAGE, found, draw_gt=False).axes
    assert labels(axes) == ['cat 0.10', 'cat 0.25', '1 0.90']
    # A sample of mmdet has no texts at all.
    other = BaseDataElement(metainfo=dict(ori_shape=(40, 60)), pred_instances=found.pred_instances)
    (axes,) = visualizer.draw(IMAGE, other).axes
    assert labels(axes) == ['cat 0.10', 'cat 0.25', '1 0.90']


def test_boxes_of_one_text_need_no_labels():
    found = sample()
    found.set_metainfo(dict(text='a dog'))
    found.pred_instances = InstanceData(bboxes=torch.tensor([[0.0, 0, 9, 9]]), scores=torch.tensor([-1.5]))
    (axes,) = RegionPhraseVisualizer().draw(IMAGE, found, draw_gt=False).axes
    assert labels(axes) == ['a dog -1.50']


@pytest.mark.parametrize('uncertain', [False, True])
def test_maps_of_interactions_share_a_scale_and_have_their_uncertainty(uncertain):
    found, values = sample(), torch.arange(24.0).reshape(2, 3, 4) / 24
    maps = dict(values=values, **(dict(uncertainty=values / 10) if uncertain else {}))
    found.set_field(maps, 'interactions', dtype=dict)
    axes = RegionPhraseVisualizer().draw(IMAGE, found).axes
    titles = {each.get_title(): each for each in axes}
    np.testing.assert_allclose(titles['a dog'].images[1].get_array(), values[1])
    assert titles['a dog'].images[1].get_clim() == pytest.approx((-23 / 24, 23 / 24))
    assert titles['a dog'].images[1].get_clim() == titles[r'a \$red\$ block'].images[1].get_clim()
    shown = [each for title, each in titles.items() if title.startswith('uncertainty')]
    assert len(shown) == (2 if uncertain else 0)
    if uncertain:
        np.testing.assert_allclose(shown[0].images[1].get_array(), values[0] / 10)


def test_uncertainty_of_another_shape_is_refused():
    found = sample()
    found.set_field(dict(values=torch.zeros(2, 3, 4), uncertainty=torch.zeros(2, 3)), 'interactions', dtype=dict)
    with pytest.raises(ValueError, match=r'uncertainty \(2, 3\)'):
        RegionPhraseVisualizer().draw(IMAGE, found)


def test_ranked_texts_stand_beside_the_image_and_the_picture_is_written(tmp_path):
    found = sample()
    found.text_scores = torch.tensor([0.1, 0.75])
    _, ranking = RegionPhraseVisualizer().draw(IMAGE, found).axes
    assert labels(ranking) == ['0.750  a dog\n0.100  a \\$red\\$ block']
    picture = RegionPhraseVisualizer().add_datasample('x', IMAGE, found, out_file=str(tmp_path / 'a' / 'x.png'))
    assert picture.ndim == 3 and (tmp_path / 'a' / 'x.png').is_file()
