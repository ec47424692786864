import torch

from vlplugins.structures import RetrievalDataSample


def test_features_move_and_meta_information_stays():
    sample = RetrievalDataSample(metainfo=dict(video_id='v', video_index=2)).set_captions(['a'], [5])
    sample.video_feature = torch.ones(3)
    copy = sample.to('cpu').clone()
    assert copy.video_feature.tolist() == [1, 1, 1]
    assert copy.to_dict()['text_indices'] == [5] and copy.video_index == 2
