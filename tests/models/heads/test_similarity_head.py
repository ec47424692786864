import math

import pytest
import torch
import torch.nn.functional as F

from vlplugins.registry import MODELS


def build(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='MeanPoolSimilarityHead', **options))


def features(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    'frames, segments, expected',
    [
        (12, 4, [1, 1, 1, 1]),
        (11, 4, [1, 1, 1, 0]),
        (6, 4, [1, 1, 0, 0]),
        (5, 4, [1, 0, 0, 0]),
        (2, 4, [1, 0, 0, 0]),
        (1, 4, [1, 0, 0, 0]),
        (0, 4, [1, 0, 0, 0]),
        (5, 12, [1] * 5 + [0] * 7),
    ],
)
def test_mask_of_the_last_frame_of_each_segment(frames, segments, expected):
    mask = (torch.arange(12) < frames)[None]
    assert build().segment_mask(mask, segments).tolist() == [[bool(value) for value in expected]]


def test_mask_that_does_not_split_is_refused():
    with pytest.raises(ValueError, match='5 segments'):
        build().segment_mask(torch.ones(1, 12, dtype=torch.bool), 5)


def naive_similarity(videos, mask, texts, scale):
    rows = []
    for text in texts.tolist():
        row = []
        for video, valid in zip(videos.tolist(), mask.tolist()):
            total = [0.0] * len(text)
            for vector, counts in zip(video, valid):
                length = math.sqrt(sum(x * x for x in vector))
                if counts:
                    total = [a + b / length / sum(valid) for a, b in zip(total, vector)]
            lengths = math.sqrt(sum(x * x for x in total)) * math.sqrt(sum(x * x for x in text))
            row.append(scale * sum(a * b for a, b in zip(total, text)) / lengths)
        rows.append(row)
    return torch.tensor(rows)


def test_similarity_equals_the_loop():
    head, videos, texts = build(), features(3, 4, 8), features(5, 8, seed=1)
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]).bool()
    expected = naive_similarity(videos, mask, texts, 1 / 0.07)
    torch.testing.assert_close(head(videos, mask, texts), expected, rtol=1e-4, atol=1e-4)
    everything = torch.ones(3, 4, dtype=torch.bool)
    expected = naive_similarity(videos, everything, texts, 1 / 0.07)
    torch.testing.assert_close(head(videos, None, texts), expected, rtol=1e-4, atol=1e-4)


def test_a_longer_frame_vector_does_not_count_for_more():
    head, videos, texts = build(), features(3, 4, 8), features(3, 8, seed=1)
    longer = videos.clone()
    longer[:, 1] *= 10
    torch.testing.assert_close(head(longer, None, texts), head(videos, None, texts))
    assert torch.allclose(head.video_vectors(videos).norm(dim=1), torch.ones(3))


def test_a_video_of_one_frame_is_its_first_segment():
    head, videos = build(), features(1, 4, 8)
    for frames in (1, 2):
        mask = head.segment_mask((torch.arange(12) < frames)[None], 4)
        vector = head.video_vectors(videos, mask)
        torch.testing.assert_close(vector, F.normalize(videos[:, 0], dim=1))


def test_loss_equals_both_cross_entropies():
    head, videos, texts = build(logit_scale_init=2.0), features(6, 3, 8), features(6, 8, seed=1)
    similarity = head(videos, None, texts)
    own = torch.arange(6)
    expected = (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2
    losses = head.loss(videos, None, texts)
    torch.testing.assert_close(losses['loss_contrastive'], expected)
    assert losses['logit_scale'].item() == 2.0
    one_sided = build(logit_scale_init=2.0, loss=dict(type='InfoNCELoss', loss_weight=2.0))
    torch.testing.assert_close(
        one_sided.loss(videos, None, texts)['loss_contrastive'], 2 * F.cross_entropy(similarity, own)
    )


@pytest.mark.parametrize('value', [0.1, 2.6593, 4.6052, 5.0])
def test_scale_has_a_gradient_wherever_it_is(value):
    head = build(logit_scale_init=value)
    head.loss(features(4, 3, 8), None, features(4, 8, seed=1))['loss_contrastive'].backward()
    assert head.logit_scale.grad.abs() > 1e-4


def test_other_numbers_of_texts_are_refused():
    with pytest.raises(ValueError, match='3 videos and 4 texts'):
        build().loss(features(3, 2, 8), None, features(4, 8))
    with pytest.raises(ValueError, match='mask'):
        build().video_vectors(features(3, 2, 8), torch.ones(3, 3, dtype=torch.bool))
    with pytest.raises(ValueError, match='temporal'):
        build(temporal='lstm')


def test_temporal_transformer_sees_valid_vectors_alone():
    head = build(temporal='transformer', embed_dims=16, temporal_layers=2, temporal_heads=4, max_segments=6)
    videos = features(2, 4, 16)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]]).bool()
    vectors = head.video_vectors(videos, mask)
    changed = videos.clone()
    changed[0, 2:] = 50.0
    torch.testing.assert_close(head.video_vectors(changed, mask), vectors)
    # The reference: run the valid vectors alone, add the input, normalise, take the mean, normalise.
    outputs = videos[:1, :2] + head.transformer(videos[:1, :2] + head.positional_embedding[:2])
    expected = F.normalize(F.normalize(outputs, dim=2).mean(dim=1), dim=1)
    torch.testing.assert_close(vectors[:1], expected)
    assert not torch.allclose(vectors[1:], build().video_vectors(videos[1:]))
    with pytest.raises(ValueError, match='max_segments=6'):
        head.video_vectors(features(1, 7, 16))
    vectors.sum().backward()
    without = [name for name, parameter in head.named_parameters() if parameter.grad is None]
    assert without == ['logit_scale']


def test_autocast_computes_the_similarity_in_single_precision():
    head, videos, texts = build(), features(3, 4, 8), features(3, 8, seed=1)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        result = head(videos, None, texts)
    assert torch.equal(result, head(videos, None, texts))
    assert head.video_vectors(videos.bfloat16()).dtype == torch.float
