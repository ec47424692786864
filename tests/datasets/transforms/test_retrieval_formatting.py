import numpy as np
import pytest
import torch

from vlplugins.datasets.transforms.retrieval_formatting import PackRetrievalInputs
from vlplugins.structures import RetrievalDataSample


def test_frames_become_channels_first_and_texts_stay_integers():
    frames = [np.random.default_rng(i).integers(0, 255, (4, 5, 3), dtype=np.uint8) for i in range(2)]
    item = PackRetrievalInputs()(
        dict(
            imgs=frames,
            frame_mask=np.array([True, False]),
            text_ids=torch.tensor([49406, 49407]),
            text='a dog',
            text_indices=[7],
            video_index=3,
            video_id='v3',
            video_path='v3.mp4',
        )
    )
    assert item['inputs']['imgs'].dtype == torch.uint8 and item['inputs']['imgs'].shape == (2, 3, 4, 5)
    assert np.array_equal(item['inputs']['imgs'][1].permute(1, 2, 0).numpy(), frames[1])
    assert item['inputs']['frame_mask'].tolist() == [True, False]
    sample = item['data_samples']
    assert isinstance(sample, RetrievalDataSample)
    assert (sample.video_index, sample.video_id, sample.captions, sample.text_indices) == (3, 'v3', ['a dog'], [7])


def test_texts_alone_or_frames_alone():
    assert set(PackRetrievalInputs()(dict(text_ids=torch.zeros(4)))['inputs']) == {'text_ids'}
    inputs = PackRetrievalInputs()(dict(imgs=[np.zeros((2, 2, 3), np.uint8)]))['inputs']
    assert set(inputs) == {'imgs', 'frame_mask'} and inputs['frame_mask'].tolist() == [True]
    with pytest.raises(ValueError, match='neither|expected imgs'):
        PackRetrievalInputs()({})


def test_frames_of_several_shapes_are_refused():
    with pytest.raises(ValueError, match='x.mp4'):
        PackRetrievalInputs()(dict(imgs=[np.zeros((2, 2, 3)), np.zeros((3, 2, 3))], video_path='x.mp4'))


def test_captions_need_an_index_each():
    with pytest.raises(ValueError, match='2 captions have 1'):
        RetrievalDataSample().set_captions(['a', 'b'], [0])
