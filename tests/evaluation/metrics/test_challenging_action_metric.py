import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.evaluation.metrics import ChallengingActionMetric

LABELS, PREDICTED = [0, 0, 0, 1, 1, 2], [0, 1, 1, 1, 0, 2]


def samples():
    return [
        dict(gt_label=torch.tensor([label]), pred_score=torch.eye(3)[said]) for label, said in zip(LABELS, PREDICTED)
    ]


@pytest.mark.parametrize('batches', [[6], [4, 2], [1] * 6])
def test_values_whatever_the_batches(batches):
    metric, left = ChallengingActionMetric(groups={'two': (0, 1)}), samples()
    for size in batches:
        metric.process({}, left[:size])
        left = left[size:]
    found = metric.evaluate(6)
    assert found['action/top1'] == pytest.approx(50) and found['action/two'] == pytest.approx(40)
    assert found['action/mean_class'] == pytest.approx(100 * (1 / 3 + 1 / 2 + 1) / 3)


def test_padded_records_do_not_count():
    """A sampler of several processes repeats the first records at the end."""
    metric = ChallengingActionMetric(groups={})
    metric.process({}, samples() + samples()[:2])
    assert metric.evaluate(6)['action/top1'] == pytest.approx(50)


def judge(rank, world_size):
    """Seven records in batches of three: the last one is partial, and the sampler repeats a record to fill up."""
    metric = ChallengingActionMetric(groups={'two': (0, 1)})
    records = samples() + [dict(gt_label=torch.tensor([2]), pred_score=torch.eye(3)[0])]
    mine = (records + records[:1])[rank::world_size] if world_size > 1 else records
    for begin in range(0, len(mine), 3):
        metric.process({}, mine[begin : begin + 3])
    return metric.evaluate(7)


def test_two_processes_equal_one():
    alone = judge(0, 1)
    assert alone['action/top1'] == pytest.approx(100 * 3 / 7) and alone['action/two'] == pytest.approx(40)
    assert run_distributed(judge, 2) == [alone, alone]


def test_groups_of_ntu_are_numbers_from_zero():
    groups = ChallengingActionMetric().groups
    assert groups['with a pen or a screen'] == (10, 11, 29, 28) and groups['putting on and taking off'][0] == 15
