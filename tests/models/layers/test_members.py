import math

import torch

from vlplugins.models.layers.members import box_members, pool_members, span_members


def test_boxes_of_an_image_that_is_not_square():
    # Six columns and four rows of 16 pixels: rows are the first axis of the grid.
    members = box_members(torch.tensor([[0.0, 0, 48, 32], [0, 0, 40, 24], [88, 56, 96, 64]]), (4, 6), (64, 96))
    expected = torch.zeros(4, 6, dtype=torch.bool)
    expected[:2, :3] = True
    assert torch.equal(members[0].view(4, 6), expected)
    # A side that ends on a centre leaves its patch out; one that begins there takes it.
    expected[:, 2] = expected[1] = False
    assert torch.equal(members[1].view(4, 6), expected)
    assert members[2].nonzero().tolist() == [[23]]


def test_a_box_without_a_centre_has_the_patch_of_its_own():
    boxes = torch.tensor([[17.0, 1, 20, 5], [16, 16, 16, 16], [96, 64, 96, 64], [0, 0, 3, 64]])
    members = box_members(boxes, (4, 6), (64, 96))
    assert [row.nonzero().flatten().tolist() for row in members] == [[1], [7], [23], [12]]


def test_means_equal_the_loop_and_nobody_is_zero():
    tokens, members = torch.randn(2, 5, 3), torch.rand(2, 4, 5) > 0.5
    members[0, 1] = False
    pooled = pool_members(tokens, members)
    for b in range(2):
        for r in range(4):
            rows = [tokens[b, i] for i in range(5) if members[b, r, i]]
            torch.testing.assert_close(pooled[b, r], torch.stack(rows).mean(0) if rows else torch.zeros(3))


def test_phrases_leave_padding_out_even_when_nan():
    mask = torch.arange(6) < torch.tensor([[6], [4]])
    spans = torch.tensor([[[1, 3], [0, 0]], [[2, 6], [4, 6]]])
    members = span_members(spans, mask)
    assert members.int().tolist() == [
        [[0, 1, 1, 0, 0, 0], [0] * 6],
        [[0, 0, 1, 1, 0, 0], [0] * 6],
    ]
    tokens = torch.randn(2, 6, 3)
    tokens[1, 4:] = math.nan
    tokens.requires_grad_()
    pooled = pool_members(tokens, members)
    torch.testing.assert_close(pooled[1, 0], tokens[1, 2:4].mean(dim=0))
    assert (pooled[:, 1] == 0).all()
    pooled.sum().backward()
    assert tokens.grad.isfinite().all() and (tokens.grad[1, 4:] == 0).all()
