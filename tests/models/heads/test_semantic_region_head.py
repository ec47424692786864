import pytest
import torch
from torch import nn

from vlplugins.registry import MODELS

GRID, SIZE = (4, 6), (64, 96)
SIDES = [(w, h) for w in (2, 3, 4) for h in (2, 3, 4)]


def build(**options):
    torch.manual_seed(0)
    small = dict(type='SemanticRegionHead', in_channels=8, feat_channels=16, groups=4, num_regions=5, num_random=3)
    return MODELS.build({**small, **options})


def generator():
    return torch.Generator().manual_seed(0)


def plain_iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inside = max(width, 0) * max(height, 0)
    return inside / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inside)


def test_boxes_by_hand():
    head = build(anchor_sizes=[(2, 2)])
    nn.init.zeros_(head.predict.weight)
    # Half of the anchor's half size to the right, up a quarter; twice as wide.
    shift = torch.tensor([0.5, -0.5]).atanh()
    head.predict.bias.data = torch.tensor([shift[0], shift[1], torch.tensor(2.0).log(), 0.0, 0.0])
    boxes, logits = head(torch.randn(2, 8, *GRID), SIZE)
    assert boxes.shape == (2, 24, 4) and logits.shape == (2, 24)
    # Patch (row 1, column 2): centre (40, 24), anchor 32 x 32.
    torch.testing.assert_close(boxes[0, 8], torch.tensor([48.0 - 32, 16 - 16, 48 + 32, 16 + 16]))
    torch.testing.assert_close(boxes[1, 0], torch.tensor([0.0, 0, 48, 16]))
    assert (logits == 0).all()
    head.predict.bias.data[2:4] = 1e4
    boxes, _ = head(torch.randn(1, 8, *GRID), SIZE)
    assert boxes.isfinite().all() and (boxes[..., 2] <= 96).all() and (boxes[..., 3] <= 64).all()


def test_boxes_that_have_grown_out_of_the_image_learn_to_shrink():
    head = build(anchor_sizes=[(2, 2)])
    nn.init.zeros_(head.predict.weight)
    head.predict.bias.data = torch.tensor([0.0, 0.0, 2.0, 2.0, 0.0])
    boxes, _ = head(torch.randn(1, 8, *GRID), SIZE)
    assert boxes.flatten(0, 1).unique(dim=0).tolist() == [[0, 0, 96, 64]]
    (boxes[..., 2:] - boxes[..., :2]).sum().backward()
    assert (head.predict.bias.grad[2:4] > 0).all()


def test_starts_at_its_anchors_with_a_confidence_of_a_tenth():
    head = build(anchor_sizes=SIDES, on_borders=True)
    nn.init.zeros_(head.predict.weight)
    boxes, logits = head(torch.randn(1, 8, *GRID), SIZE)
    torch.testing.assert_close(logits.sigmoid(), torch.full_like(logits, 0.1))
    assert (boxes % 16 == 0).all()
    # Anchor 3 x 2 (the fourth) of row 1, column 2: columns 1 to 3, rows 0 and 1.
    assert boxes[0, 8 * 9 + 3].tolist() == [16, 0, 64, 32]


def test_confident_boxes_equal_a_plain_suppression():
    head = build(nms_iou=0.3)
    torch.manual_seed(1)
    corner = torch.rand(3, 40, 2) * 40
    boxes, logits = torch.cat([corner, corner + 10 + torch.rand(3, 40, 2) * 14], dim=2), torch.randn(3, 40)
    found = head.select(boxes, logits, GRID, SIZE)
    for b in range(3):
        kept = []
        for index in logits[b].argsort(descending=True).tolist():
            if all(plain_iou(boxes[b, index].tolist(), boxes[b, other].tolist()) <= 0.3 for other in kept):
                kept.append(index)
        torch.testing.assert_close(found.boxes[b], boxes[b, kept[:5]])
        torch.testing.assert_close(found.logits[b], logits[b, kept[:5]])
    assert found.confident.all() and found.valid.all() and found.members.any(dim=2).all()


def test_random_boxes_are_others_and_leave_the_global_state_alone():
    head = build(anchor_sizes=SIDES, on_borders=True, num_random=6)
    boxes, logits = head(torch.randn(2, 8, *GRID), SIZE)
    state = torch.get_rng_state()
    found = head.select(boxes, logits, GRID, SIZE, generator())
    assert torch.equal(torch.get_rng_state(), state)
    assert found.confident.int().tolist() == [[1] * 5 + [0] * 6] * 2 and found.valid.all()
    again = head.select(boxes, logits, GRID, SIZE, generator())
    assert torch.equal(found.logits, again.logits)
    # Logits of a random head all differ: they name their boxes.
    assert all(len(set(row.tolist())) == 11 for row in found.logits)


def test_where_all_boxes_are_one_there_is_one_confident():
    head = build(num_random=0)
    boxes = torch.tensor([16.0, 16, 48, 48]).expand(1, 20, 4)
    found = head.select(boxes, torch.arange(20.0)[None], GRID, SIZE, generator())
    assert found.valid.tolist() == [[True, False, False, False, False]] and found.logits[0, 0] == 19
    drawn = build(num_random=3).select(boxes, torch.arange(20.0)[None], GRID, SIZE, generator())
    assert drawn.valid.sum() == 4 and drawn.confident.sum() == 1


def test_gradients_reach_the_head_and_by_choice_the_patches():
    for detach in (False, True):
        head, patches = build(detach_input=detach), torch.randn(2, 8, *GRID, requires_grad=True)
        boxes, logits = head(patches, SIZE)
        found = head.select(boxes, logits, GRID, SIZE, generator())
        (found.boxes.sum() + found.logits.sum()).backward()
        assert all(each.grad.abs().sum() > 0 for each in head.parameters())
        assert (patches.grad is None) == detach


def test_sizes_that_cannot_work_are_refused():
    head = build(num_regions=145)
    with pytest.raises(ValueError, match='num_regions 145 is above the 144 anchors'):
        head.select(*head(torch.randn(1, 8, *GRID), SIZE), GRID, SIZE)
    with pytest.raises(ValueError, match='num_regions 0'):
        build(num_regions=0)
