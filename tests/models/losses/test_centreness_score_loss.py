import math

import pytest
import torch

pytest.importorskip('mmdet')

from vlplugins.models.losses.centreness_score_loss import CentrenessScoreLoss, centreness  # noqa: E402

TRUTH = torch.tensor([[[0.0, 0.0, 10.0, 20.0], [0.0, 0.0, 10.0, 10.0]]])


def at(x, y):
    return [x - 1, y - 1, x + 1, y + 1]


def test_centreness_by_hand():
    boxes = torch.tensor([at(5, 10), at(2, 10), at(2, 4), at(-1, 10)])
    # 2 of 8 pixels, and 4 of 16.
    expected = [1.0, math.sqrt(0.25), math.sqrt(0.25 * 0.25), 0.0]
    assert centreness(boxes, TRUTH[0, 0].expand(4, 4)).tolist() == pytest.approx(expected)
    # On the edge on both sides of nothing: no division by zero.
    assert centreness(torch.zeros(1, 4), torch.zeros(1, 4)).isfinite().all()


def test_loss_equals_the_naive_loop_and_cuts_the_boxes():
    torch.manual_seed(0)
    stages = [TRUTH + torch.randn(1, 2, 4) for _ in range(3)]
    for each in stages:
        each.requires_grad_(True)
    scores = [torch.randn(1, 2, requires_grad=True) for _ in range(3)]
    total = 0.0
    for logits, boxes in zip(scores, stages):
        for index in range(2):
            p, c = torch.sigmoid(logits[0, index]), centreness(boxes[0, index], TRUTH[0, index])
            total -= (c * p.log() + (1 - c) * (1 - p).log()).item()
    loss = CentrenessScoreLoss(loss_weight=2.0)(scores, stages, TRUTH)
    assert loss.item() == pytest.approx(2 * total / 6, rel=1e-5)
    loss.backward()
    assert all(each.grad.any() for each in scores) and all(each.grad is None for each in stages)
    alone = CentrenessScoreLoss()([each[:, :1] for each in scores], [each[:, :1] for each in stages], TRUTH[:, :1])
    counted = CentrenessScoreLoss()(scores, stages, TRUTH, torch.tensor([[True, False]]))
    torch.testing.assert_close(alone, counted)


def test_boxes_that_are_nowhere_near_teach_no_score():
    far, scores = [TRUTH + 100], [torch.zeros(1, 2)]
    assert CentrenessScoreLoss()(scores, far, TRUTH) == 0
    assert CentrenessScoreLoss(giou_gate=3.0)(scores, far, TRUTH) == pytest.approx(math.log(2))
    nothing = CentrenessScoreLoss()([torch.zeros(1, 0)], [torch.zeros(1, 0, 4)], torch.zeros(1, 0, 4))
    assert nothing == 0
