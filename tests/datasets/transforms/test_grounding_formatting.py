import numpy as np
import pytest
import torch

from tests.helpers.grounding import graph
from vlplugins.datasets.transforms import LoadQueryGraph, PackGroundingInputs


def results(**changes):
    found = dict(
        graph=graph(), tokens=np.array([2, 3, 4, 5, 6]), features=dict(video=np.ones((4, 3), np.float64)),
        segment=(1.0, 2.5), duration=9.0, video_id='v', query_id='s/v#0', sentence='person opens the door.',
        split='s', novel={}, **changes,
    )  # fmt: skip
    return LoadQueryGraph().transform(found)


def test_packed_sample():
    packed = PackGroundingInputs().transform(results())
    inputs, sample = packed['inputs'], packed['data_samples']
    assert inputs['video'].dtype == torch.float32 and inputs['video'].shape == (4, 3)
    assert inputs['query']['tokens'].tolist() == [2, 3, 4, 5, 6] and inputs['query']['edges'].shape == (3, 3)
    assert sample.gt_intervals.tolist() == [[1.0, 2.5]] and sample.duration == 9.0 and sample.query_id == 's/v#0'


def test_without_a_known_segment():
    found = results()
    del found['segment']
    assert 'gt_intervals' not in PackGroundingInputs().transform(found)['data_samples']


def test_features_that_were_not_loaded():
    with pytest.raises(ValueError, match=r"loaded \['video'\], not 'objects', of v"):
        PackGroundingInputs(feature_keys=('video', 'objects')).transform(results())
