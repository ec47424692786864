import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.registry import METRICS


def sample(sent_id, box, truth=(0, 0, 10, 10), split='val', more=()):
    boxes = torch.tensor([box, *more], dtype=torch.float).reshape(-1, 4) if box is not None else torch.zeros(0, 4)
    truth = dict(bboxes=torch.tensor([truth], dtype=torch.float))
    return dict(sent_id=sent_id, split=split, pred_instances=dict(bboxes=boxes), gt_instances=truth)


def evaluate(*data, **options):
    metric = METRICS.build(dict(type='GroundingAccuracy', **options))
    metric.process(None, data)
    return metric.evaluate(1)


def test_the_first_box_counts_and_an_overlap_of_exactly_a_half_does_not():
    half, third = (0, 0, 10, 5), (0, 0, 20, 15)
    found = evaluate(
        sample(0, (0, 0, 10, 10)), sample(1, half), sample(2, third, more=[(0, 0, 10, 10)]), sample(3, None)
    )
    assert found['grounding/acc@0.5'] == 25 and found['grounding/mIoU'] == pytest.approx(100 * (1 + 0.5 + 1 / 3) / 4)
    assert evaluate(sample(0, half), iou_thr=0.49)['grounding/acc@0.49'] == 100


def test_repeated_expressions_count_once_and_splits_are_told_apart():
    wrong = (50, 50, 60, 60)
    found = evaluate(sample(0, (0, 0, 10, 10)), sample(0, (0, 0, 10, 10)), sample(1, wrong))
    assert found['grounding/acc@0.5'] == 50
    found = evaluate(sample(0, wrong, split='testA'), sample(0, (0, 0, 10, 10), split='testB'))
    assert found['grounding/testA/acc@0.5'] == 0 and found['grounding/testB/acc@0.5'] == 100
    joined = evaluate(sample(0, wrong, split='testA'), sample(0, (0, 0, 10, 10), split='testB'), join_splits=True)
    assert joined['grounding/acc@0.5'] == 50
    with pytest.raises(ValueError, match='iou_thr 1'):
        METRICS.build(dict(type='GroundingAccuracy', iou_thr=1.0))


def _part(rank, world_size):
    right, wrong = (0, 0, 10, 10), (50, 50, 60, 60)
    # A sampler pads the last part with a sample of the beginning.
    parts = [[sample(0, right), sample(1, wrong)], [sample(2, wrong), sample(0, right)]]
    return evaluate(*parts[rank])


def test_two_processes_equal_one():
    for found in run_distributed(_part):
        assert found['grounding/acc@0.5'] == pytest.approx(100 / 3)


def test_boxes_outside_do_not_overlap():
    assert evaluate(sample(0, (20, 0, 30, 10)))['grounding/mIoU'] == 0
    assert evaluate(sample(0, (5, 5, 5, 5)))['grounding/mIoU'] == 0
