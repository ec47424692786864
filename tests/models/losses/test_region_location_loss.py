import pytest
import torch

from vlplugins.registry import MODELS


def build(**options):
    return MODELS.build(dict(type='RegionLocationLoss', **options))


def scene():
    boxes = torch.tensor([[[0.2, 0.2, 0.6, 0.6], [0.3, 0.2, 0.7, 0.6], [0.8, 0.8, 0.9, 0.9], [0.2, 0.2, 0.6, 0.5]]])
    return boxes, torch.tensor([[1.0, 0.2, 0.1, 0.8]]), torch.ones(1, 4, dtype=torch.bool)


def test_by_hand():
    boxes, targets, mask = scene()
    # The second box alone learns, from the first (IoU 0.6 before 0.5); the third overlaps no region.
    # Centre 0.1 apart: smooth L1 0.5 * 0.1^2 / 0.1 = 0.05; both in a box of 0.5 x 0.4, so that GIoU is IoU.
    assert build(loss_weight=2.0)(boxes, targets, mask).item() == pytest.approx(2 * (0.05 + 1 - 0.6), abs=1e-5)


def test_only_the_box_that_learns_moves():
    boxes, targets, mask = scene()
    boxes.requires_grad_()
    build()(boxes, targets, mask).backward()
    moved = boxes.grad.abs().sum(dim=2)[0]
    assert moved[1] > 0 and moved[[0, 2, 3]].sum() == 0 and boxes.grad[0, 1, 0] > 0


def test_without_regions_it_is_a_zero_with_gradient():
    boxes, _, mask = scene()
    boxes.requires_grad_()
    value = build()(boxes, torch.zeros(1, 4), mask)
    value.backward()
    assert value.item() == 0 and (boxes.grad == 0).all()


def test_padding_neither_learns_nor_teaches():
    boxes, targets, mask = scene()
    more = torch.cat([boxes, boxes[:, 1:2]], dim=1)
    padded = build()(more, torch.tensor([[1.0, 0.2, 0.1, 0.8, 1.0]]), torch.tensor([[True] * 4 + [False]]))
    assert padded.item() == pytest.approx(build()(boxes, targets, mask).item())
