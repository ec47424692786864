import numpy as np
import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.evaluation.metrics import SemanticCoherenceMetric, VideoLanguageInferenceMetric
from vlplugins.structures import TemporalDataSample


def sample(clip, scores, kinds=('say', 'say'), truth=None, best=0):
    """A clip with one pair; its statements look at segment ``best`` of three of 4 seconds."""
    meta = dict(video_id=clip, pair_indices=[0, 0], polarities=[0, 1], groups=[dict(type=[kind]) for kind in kinds])
    found = TemporalDataSample(metainfo=meta)
    evidence = torch.zeros(2, 1, 3, 2)
    evidence[:, :, best, 0] = 1.0
    fields = dict(gt_label=torch.tensor([1, 0]), pred_score=torch.tensor(scores), evidence=evidence)
    fields['segment_times'] = torch.tensor([[0.0, 4.0], [4.0, 8.0], [8.0, 12.0]])
    if truth is not None:
        fields['gt_evidence'] = torch.tensor([truth, [float('nan')] * 2])
    found.set_data(fields)
    return found


def evaluate(metric, *batches, size=None):
    for samples in batches:
        metric.process(None, samples)
    return metric.evaluate(size or sum(len(samples) for samples in batches))


SAMPLES = [sample('a', [0.5, 0.5]), sample('b', [0.9, 0.1], ('say', 'act')), sample('c', [0.2, 0.1], ('act', 'act'))]


def test_each_statement_is_judged_alone():
    found = evaluate(VideoLanguageInferenceMetric(), [*SAMPLES, sample('d', [0.8, 0.7])])
    # Of a the true one alone is right, at the threshold; of c the false one; of d the true one, though the pair is.
    expected = dict(accuracy=62.5, acc_real=75, acc_fake=50, pair_accuracy=75, consistency=25)
    assert {name: found[f'violin/{name}'] for name in expected} == pytest.approx(expected)
    assert found['violin/type/say/accuracy'] == pytest.approx(60) and found['violin/type/say/num'] == 5
    assert 'violin/evidence' not in found


@pytest.mark.parametrize('batches', [[SAMPLES[:1], SAMPLES[1:]], [SAMPLES[:2], SAMPLES[2:], SAMPLES[:2]]])
def test_batches_and_repeated_items_change_nothing(batches):
    assert evaluate(VideoLanguageInferenceMetric(), *batches) == evaluate(VideoLanguageInferenceMetric(), SAMPLES)


def test_evidence_is_compared_where_it_is_known():
    near, far = sample('a', [0.9, 0.1], truth=[3.5, 8.0], best=1), sample('b', [0.9, 0.1], truth=[3.5, 8.0], best=2)
    found = evaluate(VideoLanguageInferenceMetric(), [near, far])
    assert found['violin/evidence'] == 50.0 and found['violin/evidence/say'] == 50.0


def coherent(clip, seed, noise):
    generator = torch.Generator().manual_seed(seed)
    sight = torch.nn.functional.normalize(torch.randn(4, 8, generator=generator), dim=-1)
    words = torch.nn.functional.normalize(sight + noise * torch.randn(4, 8, generator=generator), dim=-1)
    return TemporalDataSample(
        metainfo=dict(
            video_id=clip,
            aligned=torch.stack([sight, words]),
            aligned_mask=torch.tensor([True, True, True, False]),
            replaced=torch.tensor([True, False, False, True]),
            replaced_scores=torch.tensor([0.9, 0.1, 0.8, 0.7]),
        )
    )


def test_coherence_is_measured_by_its_own_objectives():
    found = evaluate(SemanticCoherenceMetric(pool=6), [coherent(f'{i}', i, 0.0) for i in range(8)])
    assert found == {
        'coherence/retrieval': 100.0, 'coherence/retrieval_chance': pytest.approx(100 / 6),
        'coherence/replaced_auc': pytest.approx(75.0),
    }  # fmt: skip
    noisy = evaluate(SemanticCoherenceMetric(pool=6), [coherent(f'{i}', i, 50.0) for i in range(60)])
    assert abs(noisy['coherence/retrieval'] - 100 / 6) < 12
    assert evaluate(SemanticCoherenceMetric(), SAMPLES) == {} and np.isfinite(found['coherence/retrieval'])


def statements_of(pair):
    """A sample for each statement of a pair."""
    for place in (0, 1):
        part = slice(place, place + 1)
        names = ('pair_indices', 'polarities', 'groups')
        alone = TemporalDataSample(
            metainfo=dict(video_id=pair.video_id, **{name: pair.get(name)[part] for name in names})
        )
        alone.set_data(dict(gt_label=pair.gt_label[part], pred_score=pair.pred_score[part]))
        yield alone


def judge(rank, world_size):
    """Both metrics, of nine statements and of five clips; a sampler gives two processes one of them twice.

    The true statements are judged by one process, the false ones by the other.
    """
    pairs = [*SAMPLES, sample('d', [0.6, 0.7]), sample('e', [0.1, 0.6])]
    statements = [each for pair in pairs for each in statements_of(pair)][:9]
    found, clips = {}, [coherent(f'{i}', i, 0.5) for i in range(5)]
    for metric, items in ((VideoLanguageInferenceMetric(), statements), (SemanticCoherenceMetric(pool=6), clips)):
        size = len(items)
        for number in range(rank, size if world_size == 1 else size + 1, world_size):
            metric.process(None, [items[number % size]])
        found.update(metric.evaluate(size))
    return found


def test_two_processes_equal_one():
    alone = judge(0, 1)
    assert alone['violin/accuracy'] == pytest.approx(500 / 9) and alone['violin/pair_accuracy'] == 50
    assert 0 < alone['coherence/retrieval'] < 100
    assert run_distributed(judge, 2) == [alone, alone]
