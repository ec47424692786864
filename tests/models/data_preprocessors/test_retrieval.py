import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from vlplugins.models.data_preprocessors.retrieval import RetrievalDataPreprocessor
from vlplugins.structures import RetrievalDataSample


def item(seed=0, captions=None, frames=2, tokens=5):
    generator = torch.Generator().manual_seed(seed)
    shape = (tokens,) if captions is None else (captions, tokens)
    inputs = dict(
        imgs=torch.randint(0, 256, (frames, 3, 4, 4), dtype=torch.uint8, generator=generator),
        frame_mask=torch.tensor([True] + [False] * (frames - 1)),
        text_ids=torch.randint(0, 100, shape, generator=generator),
    )
    return dict(inputs=inputs, data_samples=RetrievalDataSample())


def test_frames_are_normalised_by_the_constants_of_clip():
    items = [item(0), item(1)]
    inputs = RetrievalDataPreprocessor()(pseudo_collate(items))['inputs']
    mean = np.array([0.48145466, 0.4578275, 0.40821073])
    std = np.array([0.26862954, 0.26130258, 0.27577711])
    for index, each in enumerate(items):
        expected = (each['inputs']['imgs'].permute(0, 2, 3, 1).numpy() / 255 - mean) / std
        # single precision on values up to 3
        assert np.allclose(inputs['imgs'][index].permute(0, 2, 3, 1).numpy(), expected, atol=2e-6)
    assert inputs['imgs'].dtype == torch.float32 and inputs['imgs'].shape == (2, 2, 3, 4, 4)
    assert inputs['text_ids'].shape == (2, 5) and inputs['text_ids'].dtype == torch.int64
    assert 'captions_per_video' not in inputs
    assert inputs['frame_mask'].tolist() == [[True, False]] * 2


def test_captions_of_all_videos_are_joined_in_order():
    items = [item(0, captions=3), item(1, captions=1), item(2, captions=2)]
    inputs = RetrievalDataPreprocessor()(pseudo_collate(items))['inputs']
    assert inputs['captions_per_video'] == [3, 1, 2]
    parts = inputs['text_ids'].split(inputs['captions_per_video'])
    assert all(torch.equal(part, each['inputs']['text_ids']) for part, each in zip(parts, items))


def test_stacked_batches_and_parts_alone_are_taken():
    preprocessor = RetrievalDataPreprocessor(mean=[0] * 3, std=[1] * 3)
    each = item()['inputs']
    assert torch.equal(
        preprocessor(dict(inputs=dict(imgs=each['imgs'][None])))['inputs']['imgs'][0], each['imgs'].float()
    )
    texts = preprocessor(dict(inputs=dict(text_ids=[each['text_ids']])))
    assert set(texts['inputs']) == {'text_ids'} and texts['data_samples'] is None


def test_parts_that_do_not_fit_are_refused():
    preprocessor = RetrievalDataPreprocessor()
    with pytest.raises(ValueError, match='imgs of one batch differ'):
        preprocessor(pseudo_collate([item(frames=2), item(frames=3)]))
    with pytest.raises(ValueError, match='text_ids'):
        preprocessor(pseudo_collate([item(captions=2), item()]))
    with pytest.raises(ValueError, match='expected imgs, text_ids'):
        preprocessor(dict(inputs={}))
    with pytest.raises(ValueError, match='positive'):
        RetrievalDataPreprocessor(std=[1, 0, 1])
