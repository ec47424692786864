import cv2
import numpy as np
import pytest
import torch

from tests.helpers.tel import clip
from vlplugins.models.task_modules import MultiThresholdProposalGenerator
from vlplugins.visualization import TimelineVisualizer
from vlplugins.visualization.timeline_visualizer import _steps


def sample(scores=(0.9, 0.2, 0.4)):
    made = clip(8)['data_samples']
    made.segment_scores, made.clip_scores = torch.rand(8, 3), torch.tensor(scores)
    made.pred_instances = MultiThresholdProposalGenerator()(made.segment_scores, made.clip_scores, made.times)
    return made


def test_classes_above_the_threshold_or_true_ones_are_drawn():
    visualizer = TimelineVisualizer(score_thr=0.3)
    assert visualizer.choose_classes(sample(), draw_gt=False, draw_pred=True) == [0, 2]
    assert visualizer.choose_classes(sample((0.1, 0.2, 0.1)), draw_gt=False, draw_pred=True) == [1]
    assert visualizer.choose_classes(sample(), draw_gt=True, draw_pred=True) == [0, 1, 2]
    assert TimelineVisualizer(max_classes=1).choose_classes(sample(), False, True) == [0]


def test_picture_has_a_row_for_each_class_and_the_subtitles(tmp_path):
    visualizer = TimelineVisualizer()
    visualizer.dataset_meta = dict(classes=('joy', 'fear', 'calm'))
    made = sample()
    figure = visualizer.draw(None, made)
    names = [axes.get_ylabel() for axes in figure.axes]
    assert names == ['joy', 'fear', 'calm', 'subtitles']
    visualizer.add_datasample('x', None, made, out_file=str(tmp_path / 'x.png'))
    picture = cv2.imread(str(tmp_path / 'x.png')).astype(int)
    for colour in ((0x2C, 0xA0, 0x2C), (0xB4, 0x77, 0x1F)):  # truth and activation, BGR
        assert (abs(picture - colour).max(axis=2) < 40).sum() > 50
    assert len(visualizer.draw(None, made, draw_gt=False, draw_pred=False).axes) == 2


def test_text_with_dollars_and_of_any_length_is_drawn(tmp_path):
    made = sample()
    made.set_metainfo(dict(subtitles=['It costs $5, or $6.', 'x' * 500, '', *['a'] * 5]))
    assert TimelineVisualizer().add_datasample('x', None, made, out_file=str(tmp_path / 'x.png')).ndim == 3


def test_curve_is_a_step_for_each_line_and_zero_in_silence():
    times = np.array([[0.0, 2.0], [2.0, 3.0], [2.0, 3.0], [5.0, 6.0]])
    values, edges = _steps(times, np.array([0.1, 0.2, 0.7, 0.4]))
    assert edges.tolist() == [0, 2, 3, 5, 6] and values.tolist() == pytest.approx([0.1, 0.7, 0.0, 0.4])
