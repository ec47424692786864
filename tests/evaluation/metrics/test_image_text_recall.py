import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.registry import METRICS


def samples(images=6, captions=3, seed=0, noise=1.0):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(images, 5, generator=generator)
    texts = features[:, None] + noise * torch.randn(images, captions, 5, generator=generator)
    return [
        dict(
            image_index=index,
            text_indices=list(range(captions * index, captions * index + captions)),
            image_feature=features[index],
            text_features=texts[index],
        )
        for index in range(images)
    ]


def evaluate(parts, **options):
    metric = METRICS.build(dict(type='ImageTextRecall', **options))
    for part in parts:
        metric.process(None, part)
    return metric.evaluate(len(parts))


def naive(data, k):
    """Plain loops over queries; ties count against."""
    captions = [(sample['image_index'], text) for sample in data for text in sample['text_features']]
    hits = {'i2t': 0, 't2i': 0}
    for sample in data:
        scores = [(float(sample['image_feature'] @ text), owner == sample['image_index']) for owner, text in captions]
        best = max(score for score, own in scores if own)
        hits['i2t'] += 1 + sum(score >= best for score, own in scores if not own) <= k
    for owner, text in captions:
        scores = [(float(other['image_feature'] @ text), other['image_index']) for other in data]
        right = next(score for score, index in scores if index == owner)
        hits['t2i'] += 1 + sum(score >= right for score, index in scores if index != owner) <= k
    return dict(i2t=100 * hits['i2t'] / len(data), t2i=100 * hits['t2i'] / len(captions))


def test_equals_a_loop_in_any_order_and_blocks_with_repeated_samples():
    data = samples()
    whole = evaluate([data])
    for k in (1, 5, 10):
        for direction, value in naive(data, k).items():
            assert whole[f'{direction}/R@{k}'] == pytest.approx(value)
    assert 0 < whole['i2t/R@1'] < 100 and whole['rsum'] == pytest.approx(sum(whole.values()) - whole['rsum'])
    assert evaluate([data[4:], data[:4], data[:2]], block_size=4) == whole


def test_one_of_several_captions_is_enough_for_an_image_and_ties_count_against():
    def sample(index, image, *texts):
        indices = [10 * index + place for place in range(len(texts))]
        features = dict(image_feature=torch.tensor(image), text_features=torch.tensor(texts))
        return dict(image_index=index, text_indices=indices, **features)

    data = [sample(0, [1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]), sample(1, [0.0, 1.0], [0.0, 1.0], [0.5, 0.5])]
    found = evaluate([data], topk=(1,))
    # Each image finds its first caption. Of the captions the second ranks last, and the fourth ties.
    assert found == {'i2t/R@1': 100.0, 't2i/R@1': 50.0, 'rsum': 150.0}
    same = [sample(0, [1.0, 0.0], [1.0, 0.0]), sample(1, [1.0, 0.0], [1.0, 0.0])]
    assert evaluate([same], topk=(1,))['rsum'] == 0


def test_features_and_indices_that_are_wrong_are_refused():
    data = samples()
    data[0]['text_indices'] = data[1]['text_indices']
    with pytest.raises(ValueError, match='3 captions belong to several images'):
        evaluate([data])
    data = samples()
    data[0]['image_feature'][0] = torch.nan
    with pytest.raises(ValueError, match='not numbers'):
        evaluate([data])
    with pytest.raises(ValueError, match='topk'):
        METRICS.build(dict(type='ImageTextRecall', topk=(0,)))


def _part(rank, world_size):
    # A sampler pads the last part with samples of the beginning.
    data = samples(images=5)
    return evaluate([data[:3] if rank == 0 else [*data[3:], data[0]]])


def test_two_processes_equal_one():
    expected = evaluate([samples(images=5)])
    assert all(found == expected for found in run_distributed(_part))
