import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from tests.helpers.grounding import graph
from vlplugins.structures import TemporalDataSample
from vlplugins.visualization import GroundingVisualizer


def sample(**changes):
    """Of "person opens the red door ." over 4 positions."""
    meta = dict(video_id='v', query_id='train/v#0', sentence='person opens the $red$ door.', duration=20.0)
    found = TemporalDataSample(metainfo={**meta, 'graph': graph(with_adjective=True), **changes})
    found.gt_intervals = torch.tensor([[5.0, 10.0]])
    segments = torch.tensor([[4.0, 10.0], [0.0, 3.0]])
    found.pred_instances = InstanceData(segments=segments, scores=torch.tensor([0.9, 0.25]))
    action = torch.tensor([[0.0, 0.9, 0.1, 0.0]])
    atom = torch.arange(24.0).view(3, 4, 2) / 24
    found.correspondence = dict(event=torch.zeros(4, 4), action=action, atom=atom)
    return found


def labels(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_bars_and_a_row_of_heat_for_each_word():
    bars, heat = GroundingVisualizer().draw(None, sample()).axes
    assert labels(bars) == ['truth', 'prediction 1 (0.90)', 'prediction 2 (0.25)']
    extents = [collection.get_paths()[0].get_extents() for collection in bars.collections]
    assert [(each.x0, each.x1) for each in extents] == [(5, 10), (4, 10), (0, 3)]
    assert labels(heat) == ['person', 'opens', 'red', 'door'] and heat.get_xlim() == (0, 20)
    values = np.asarray(heat.images[0].get_array())
    np.testing.assert_allclose(values[1], [0.0, 0.9, 0.1, 0.0])
    np.testing.assert_allclose(values[0], [1 / 24, 5 / 24, 9 / 24, 13 / 24])


def test_what_is_not_there_is_not_drawn():
    (bars,) = GroundingVisualizer().draw(None, sample(graph=None)).axes
    assert len(labels(bars)) == 3
    (bars,) = GroundingVisualizer().draw(None, sample(), draw_pred=False).axes
    assert labels(bars) == ['truth']
    bars, heat = GroundingVisualizer(topk=1, max_words=2).draw(None, sample(), draw_gt=False).axes
    assert labels(bars) == ['prediction 1 (0.90)'] and labels(heat) == ['person', 'opens']


@pytest.mark.parametrize('draw_gt', [True, False])
def test_the_picture_is_written(tmp_path, draw_gt):
    picture = GroundingVisualizer().add_datasample('x', None, sample(), draw_gt, out_file=str(tmp_path / 'a' / 'x.png'))
    assert picture.ndim == 3 and (tmp_path / 'a' / 'x.png').is_file()
