import pytest
import torch
from mmengine.evaluator import Evaluator
from mmengine.structures import InstanceData

from vlplugins.evaluation.metrics import TemporalGroundingMetric
from vlplugins.structures import TemporalDataSample


def sample(split, truth, predictions, novel=None, duration=10.0):
    element = TemporalDataSample(metainfo=dict(split=split, novel=novel or {}, duration=duration))
    element.gt_intervals = torch.tensor([truth])
    segments = torch.tensor(predictions, dtype=torch.float).reshape(-1, 2)
    element.pred_instances = InstanceData(segments=segments, scores=torch.linspace(1, 0, len(segments)))
    return element


SAMPLES = [
    sample('test_trivial', (0.0, 4.0), [(0.0, 4.0), (5.0, 9.0)]),
    sample('test_trivial', (0.0, 4.0), [(5.0, 9.0), (0.0, 4.0)]),
    sample('novel_composition', (2.0, 6.0), [(2.0, 4.0)], {'v-n': [['a', 'b'], ['a', 'c']], 'p-n': [['on', 'c']]}),
    sample('novel_composition', (2.0, 6.0), [(7.0, 9.0)], {'v-n': [['a', 'b']]}),
    sample('novel_word', (2.0, 6.0), [], {'NOUN': ['dart']}),
]


def judge(samples, **options):
    metric = TemporalGroundingMetric(**options)
    metric.process(None, [each.to_dict() for each in samples])
    return metric.evaluate(len(samples))


def test_each_split_and_type_by_hand():
    scores = judge(SAMPLES, with_floor=False)
    expected = {
        'test_trivial/R1@0.5': 50, 'test_trivial/R5@0.7': 100, 'test_trivial/mIoU': 50, 'test_trivial/num': 2,
        'novel_composition/R1@0.5': 50, 'novel_composition/R1@0.7': 0, 'novel_composition/mIoU': 25,
        'novel_composition/num': 2, 'novel_composition/v-n/num': 2, 'novel_composition/v-n/R1@0.5': 50,
        'novel_composition/p-n/num': 1, 'novel_composition/p-n/R1@0.5': 100, 'novel_word/mIoU': 0,
        'novel_word/NOUN/num': 1,
    }  # fmt: skip
    assert {key: scores[key] for key in expected} == expected
    # No mean over splits.
    assert all('/' in key for key in scores)


def test_overlap_at_the_threshold_counts_unless_strict():
    assert judge(SAMPLES[2:3])['novel_composition/R1@0.5'] == 100
    assert judge(SAMPLES[2:3], strict=True)['novel_composition/R1@0.5'] == 0


def test_types_and_floor_are_switched_off():
    scores = judge(SAMPLES, by_novel_type=False, with_floor=False)
    assert not [key for key in scores if 'v-n' in key or 'floor' in key]


def test_floor_is_the_best_fixed_share_of_the_video():
    samples = [
        sample('s', (0.0, 4.0), [(5.0, 6.0)]), sample('s', (0.0, 8.0), [(9.0, 10.0)], duration=20.0),
        sample('s', (6.0, 10.0), [(1.0, 2.0)]),
    ]  # fmt: skip
    scores = judge(samples)
    assert scores['s/floor/R1@0.7'] == pytest.approx(200 / 3) and scores['s/R1@0.7'] == 0
    assert 's/floor/R5@0.7' not in scores


def test_the_size_of_batches_does_not_matter():
    whole = judge(SAMPLES)
    evaluator = Evaluator(TemporalGroundingMetric())
    for each in SAMPLES:
        evaluator.process([each])
    assert evaluator.evaluate(len(SAMPLES)) == whole
