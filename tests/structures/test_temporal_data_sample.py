import pytest
import torch

from vlplugins.structures import TemporalDataSample


def test_lengths_must_agree():
    sample = TemporalDataSample(metainfo=dict(video_id='a'))
    sample.times = torch.zeros(4, 2)
    sample.gt_labels = torch.zeros(3)
    with pytest.raises(ValueError, match=r'gt_segments \(5, 3\) has N = 5, but times has 4'):
        sample.gt_segments = torch.zeros(5, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r'clip_scores \(2,\) has C = 2, but gt_labels has 3'):
        sample.clip_scores = torch.zeros(2)
    with pytest.raises(ValueError, match=r'times has the shape \(4, 3\)'):
        sample.times = torch.zeros(4, 3)
    sample.gt_segments = torch.zeros(4, 3, dtype=torch.bool)
    assert sample.to('cpu').gt_segments.dtype == torch.bool and sample.video_id == 'a'


def test_a_field_may_be_replaced_by_one_of_its_own_shape_or_another_if_it_is_alone():
    sample = TemporalDataSample(times=torch.zeros(4, 2))
    sample.times = torch.ones(2, 2)
    assert sample.times.shape == (2, 2)
