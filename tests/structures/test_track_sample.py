import pytest
import torch

pytest.importorskip('mmdet')

from mmdet.structures import DetDataSample, TrackDataSample  # noqa: E402

from vlplugins.structures.track_sample import make_track_sample  # noqa: E402


def test_the_sample_is_as_the_setter_of_mmdet_makes_it():
    frames = [DetDataSample(metainfo=dict(frame_id=index)) for index in range(2)]
    expected = TrackDataSample(metainfo=dict(task='sot'))
    expected.video_data_samples = frames
    found = make_track_sample(frames, 'sot')
    assert found._data_fields == expected._data_fields and found.metainfo == expected.metainfo
    assert found.to_dict().keys() == expected.to_dict().keys() and 'video_data_samples' in found.to_dict()
    assert found[1] is frames[1] and len(found.to(torch.device('cpu'))) == len(found.clone()) == 2
