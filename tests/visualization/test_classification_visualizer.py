import cv2
import numpy as np
import pytest
import torch

from vlplugins.structures import ClassificationDataSample
from vlplugins.visualization.classification_visualizer import ClassificationVisualizer, to_rgb


@pytest.fixture
def sample():
    sample = ClassificationDataSample().set_gt_label(2)
    sample.pred_scores = {1.0: torch.tensor([0.1, 0.2, 0.7, 0.0]), 0.5: torch.tensor([0.6, 0.1, 0.2, 0.1])}
    return sample


@pytest.fixture
def visualizer():
    visualizer = ClassificationVisualizer(topk=3)
    visualizer.dataset_meta = dict(classes=('ant', 'bee', 'cat', 'dog'))
    return visualizer


def test_the_likeliest_classes_in_the_mean_have_a_bar_for_each_width(visualizer, sample):
    image, bars = visualizer.draw(torch.zeros(1, 8, 8), sample).axes
    assert image.get_title() == 'label: cat'
    # means: cat 0.45, ant 0.35, bee 0.15
    assert [label.get_text() for label in bars.get_yticklabels()] == ['cat (label)', 'ant', 'bee']
    assert [round(bar.get_width(), 2) for bar in bars.patches] == [0.7, 0.1, 0.2, 0.2, 0.6, 0.1]
    assert [text.get_text() for text in bars.get_legend().get_texts()] == ['w1.00', 'w0.50']


def test_truth_and_prediction_can_be_left_out(visualizer, sample):
    (image,) = visualizer.draw(torch.zeros(1, 8, 8), sample, draw_gt=False, draw_pred=False).axes
    assert image.get_title() == ''
    with pytest.raises(ValueError, match='holds no class scores'):
        visualizer.draw(torch.zeros(1, 8, 8), ClassificationDataSample())


def test_images_are_shown_as_rgb_or_grey():
    blue = np.zeros((2, 2, 3), np.uint8)
    blue[..., 0] = 255
    assert to_rgb(blue)[0, 0].tolist() == [0, 0, 255]
    assert to_rgb(torch.from_numpy(blue.transpose(2, 0, 1).copy()))[0, 0].tolist() == [0, 0, 255]
    assert to_rgb(torch.full((1, 2, 3), 300.0)).tolist() == [[255] * 3] * 2


def test_picture_is_returned_and_written(visualizer, sample, tmp_path):
    path = tmp_path / 'new/picture.png'
    picture = visualizer.add_datasample('name', torch.zeros(1, 8, 8), sample, out_file=str(path))
    assert picture.shape[2] == 3 and np.array_equal(cv2.imread(str(path))[..., ::-1], picture)
