import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.helpers.processes import run_distributed
from vlplugins.evaluation.metrics.text_video_retrieval import TextVideoRetrievalMetric
from vlplugins.structures import RetrievalDataSample


def samples(captions=(1, 3, 2, 1, 4, 2, 1), noise=0.8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    found, first = [], 0
    for index, count in enumerate(captions):
        video = F.normalize(torch.randn(8, generator=generator), dim=0)
        sample = RetrievalDataSample(metainfo=dict(video_index=index))
        sample.set_captions(['x'] * count, range(first, first + count))
        sample.video_feature = video
        sample.text_features = F.normalize(video + noise * torch.randn(count, 8, generator=generator), dim=1)
        sample.logit_scale = torch.tensor(2.0)
        first += count
        found.append(sample)
    return found


def evaluate(found, size, metric=None, batch=3):
    metric = metric or TextVideoRetrievalMetric()
    for begin in range(0, len(found), batch):
        metric.process(None, [each.to_dict() for each in found[begin : begin + batch]])
    return metric.evaluate(size)


def expected(found):
    """Ranks of both directions by loops."""
    t2v, v2t = [], []
    for own, sample in enumerate(found):
        for text in sample.text_features:
            scores = [float(text.double() @ other.video_feature.double()) for other in found]
            t2v.append(1 + sum(score > scores[own] for score in scores))
        scores = [float((o.text_features.double() @ sample.video_feature.double()).max()) for o in found]
        v2t.append(1 + sum(score > scores[own] for score in scores))
    return t2v, v2t


def test_both_directions_against_loops():
    found = samples()
    metrics = evaluate(found, 7)
    for name, ranks in zip(('t2v', 'v2t'), expected(found)):
        assert len(set(ranks)) > 1
        for k in (1, 5, 10):
            assert metrics[f'{name}/R@{k}'] == pytest.approx(100 * np.mean([rank <= k for rank in ranks]))
        assert metrics[f'{name}/MdR'] == np.median(ranks) and metrics[f'{name}/MnR'] == pytest.approx(np.mean(ranks))
    assert set(metrics) == {f'{d}/{n}' for d in ('t2v', 'v2t') for n in ('R@1', 'R@5', 'R@10', 'MdR', 'MnR')}


@pytest.mark.parametrize('batch', [1, 2, 7])
@pytest.mark.parametrize('seed', [0, 1])
def test_order_batches_and_repeated_samples_do_not_matter(batch, seed):
    found = samples()
    order = np.random.default_rng(seed).permutation(7).tolist()
    # repeated samples at the front, where cutting the list would drop others
    shuffled = [found[i] for i in order[:2] + order]
    assert evaluate(shuffled, 7, batch=batch) == evaluate(found, 7)


def _judge(rank, world):
    padded = samples() + samples()[:1]
    return evaluate(padded[rank::world], 7)


@pytest.mark.slow
def test_two_processes_equal_one():
    first, second = run_distributed(_judge, 2)
    assert first == second == evaluate(samples(), 7)


def test_dual_softmax_is_named_and_uses_the_learned_factor():
    found = samples()
    metric = TextVideoRetrievalMetric(dual_softmax=True, directions=('t2v',), topk=(1,))
    assert set(evaluate(found, 7, metric)) == {'t2v+DSL/R@1', 't2v+DSL/MdR', 't2v+DSL/MnR'}
    found, results = samples((2,) * 30, noise=1.5), []
    for scale in (0.0, 4.0):
        for sample in found:
            sample.logit_scale = torch.tensor(scale)
        results.append(evaluate(found, 30, TextVideoRetrievalMetric(dual_softmax=True))['t2v+DSL/MnR'])
    assert results[0] != results[1]
    # without it the factor changes nothing
    assert evaluate(found, 30) == evaluate(samples((2,) * 30, noise=1.5), 30)


def test_perfect_and_constant_features():
    perfect = evaluate(samples(noise=0.0), 7)
    assert perfect['t2v/R@1'] == perfect['v2t/R@1'] == 100 and perfect['t2v/MdR'] == 1
    found = samples((1,) * 7)
    for sample in found:
        sample.video_feature = torch.ones(8)
        sample.text_features = torch.ones(1, 8)
    assert evaluate(found, 7)['t2v/R@1'] == pytest.approx(100 / 7)


def test_bad_input_is_refused():
    found = samples((1, 1))
    found[1].set_captions(['x'], [0])
    with pytest.raises(ValueError, match='several videos'):
        evaluate(found, 2)
    found = samples((1, 1))
    found[1].video_feature[0] = float('nan')
    with pytest.raises(ValueError, match='not numbers'):
        evaluate(found, 2)
    with pytest.raises(ValueError, match='directions'):
        TextVideoRetrievalMetric(directions=('t2t',))
    with pytest.raises(ValueError, match='topk'):
        TextVideoRetrievalMetric(topk=(0,))
