import math

import pytest
import torch

from tests.helpers.violin import batch, packed, seeded, two_clips

pytest.importorskip('mmdet')
SMALL = dict(type='ViolinBase', text_channels=8, video_channels=8, hidden=4, embed_channels=6, dropout=0.0)


def prepare(model, data):
    return model.data_preprocessor(data, True)


def test_size_is_that_of_the_published_model_without_what_it_throws_away():
    model = seeded(dict(type='ViolinBase', text_channels=768, video_channels=2048))
    assert sum(p.numel() for p in model.parameters()) == 7_413_733


@torch.no_grad()
def test_words_read_both_streams():
    model = seeded(SMALL).eval()
    text = 'man opens saying coffee'
    data = prepare(model, batch(packed(text, lines=['i want', 'no'], frames=3)))
    inputs = data['inputs']
    words = model.text_proj(inputs['statements']['tokens'])[0]
    video = model.video_lstm(model.video_proj(inputs['video']), torch.tensor([3]))[0]
    said = model.text_proj(inputs['sub'])[0]
    rows = []
    for word in words:
        reads = []
        for memory in (video, said):
            scores = [math.exp(float(word @ each)) for each in memory]
            reads.append(sum(score / sum(scores) * each for score, each in zip(scores, memory)))
        rows.append(torch.cat([word, *reads, *(word * read for read in reads)]))
    states = model.fusion_lstm(torch.stack(rows)[None], torch.tensor([4]))[0]
    last = torch.cat([states[-1, :8], states[0, 8:]])
    torch.testing.assert_close(model(**data), model.classifier(last)[None], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('streams', [('video', 'subtitle'), ('video',), ('subtitle',), ()])
def test_streams_and_padding(streams):
    model = seeded(dict(SMALL, streams=streams)).train()
    data = prepare(model, two_clips())
    model(**data, mode='loss')['loss_cls'].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    model.eval()
    first = packed('man opens', 'man lifts')
    longer = packed(
        'man opens saying coffee', 'man opens before girl lifts', seed=1, frames=20, lines=['a b c d e'] * 5
    )
    alone = model(**prepare(model, batch(first)))
    torch.testing.assert_close(model(**prepare(model, batch(first, longer)))[:1], alone, atol=1e-5, rtol=1e-4)


def test_nobody_speaks_and_a_batch_of_one():
    model = seeded(SMALL).train()
    data = prepare(model, batch(packed('man opens', lines=[], frames=1)))
    assert model(**data, mode='loss')['loss_cls'].isfinite()
    (sample,) = model.eval()(**data, mode='predict')
    assert sample.pred_score.shape == (1,) and sample.pred_label.tolist() == [int(sample.pred_score[0] >= 0.5)]


def test_wrong_options_are_told():
    for options, match in [(dict(streams=('audio',)), 'audio'), (dict(video_channels=None), 'video_channels')]:
        with pytest.raises(ValueError, match=match):
            seeded(dict(SMALL, **options))
    model = seeded(SMALL)
    data = prepare(model, two_clips())
    with pytest.raises(ValueError, match="mode 'x'"):
        model(**data, mode='x')
    del data['inputs']['video']
    with pytest.raises(ValueError, match='video'):
        model(**data)
