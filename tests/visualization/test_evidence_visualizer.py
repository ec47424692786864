import numpy as np
import pytest
import torch

from tests.helpers.violin import packed
from vlplugins.visualization import EvidenceVisualizer

TEXTS = ['man opens saying coffee and girl lifts saying peace', 'man opens']


@pytest.fixture
def sample():
    found = packed(*TEXTS)['data_samples']
    evidence = torch.zeros(2, 2, 4, 2)
    evidence[:, :, 2] = 0.5
    found.set_data(
        dict(
            pred_score=torch.tensor([0.9, 0.2]), pred_label=torch.tensor([1, 0]), evidence=evidence,
            event_scores=torch.tensor([[0.9, 0.8], [0.2, float('nan')]]),
            gt_evidence=torch.tensor([[4.0, 8.0], [float('nan')] * 2]),
        )
    )  # fmt: skip
    return found


def test_rows_are_events(sample):
    visualizer = EvidenceVisualizer(vis_backends=None)
    assert visualizer.choose_rows(sample) == [(0, 0), (0, 1), (1, 0)]
    assert EvidenceVisualizer(max_statements=1, vis_backends=None).choose_rows(sample) == [(0, 0), (0, 1)]
    figure = visualizer.draw(None, sample)
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels[0] == 'man opens coffee\n(and lifts)\n0.90' and labels[2] == 'man opens\n0.20'
    heights = [bar.get_height() for bar in figure.axes[0].patches if bar.get_width() > 0 and bar.get_height() == 0.5]
    assert len(heights) == 2


def test_titles_say_text_verdict_and_truth(sample):
    title = EvidenceVisualizer.title
    assert title(sample, 0, True, True) == f'"{TEXTS[0]}" : follows (0.90) : true'
    assert title(sample, 1, True, False) == '"man opens" : false'
    assert title(sample, 1, False, True) == '"man opens" : does not follow (0.20)'


def test_samples_without_prediction_or_subtitles_are_drawn(sample, tmp_path):
    plain = packed('man opens', lines=[])['data_samples']
    picture = EvidenceVisualizer(vis_backends=None).add_datasample('x', None, plain, out_file=str(tmp_path / 'x.png'))
    assert np.ptp(picture) > 100 and (tmp_path / 'x.png').is_file()
