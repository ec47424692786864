import torch
import torch.nn.functional as F

from vlplugins.models.losses import InfoNCELoss, SegmentAlignmentLoss


def test_it_equals_a_loop_that_leaves_out_lines_of_the_same_time():
    torch.manual_seed(0)
    loss = SegmentAlignmentLoss(6, embed_channels=4, temperature=0.5, loss_weight=2.0)
    first, second = torch.randn(2, 3, 6), torch.randn(2, 3, 6)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    times = torch.tensor([[[0.0, 1], [1, 2], [1, 2]], [[0, 1], [1, 2], [0, 0]]])
    rows = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    one = F.normalize(loss.first(torch.stack([first[r] for r in rows])), dim=1)
    two = F.normalize(loss.second(torch.stack([second[r] for r in rows])), dim=1)
    logits = one @ two.T / 0.5
    total = 0.0
    for matrix in (logits, logits.T):
        for i in range(5):
            # Lines 1 and 2 have one time; clips 0 and 1 have equal times, which does not matter.
            others = [j for j in range(5) if not (i != j and {i, j} == {1, 2})]
            total += torch.logsumexp(matrix[i, others], dim=0) - matrix[i, i]
    torch.testing.assert_close(loss(first, second, mask, times), 2 * total / 10)


def test_without_a_shared_line_it_is_0():
    loss = SegmentAlignmentLoss(6)
    first = torch.randn(1, 2, 6, requires_grad=True)
    value = loss(first, first, torch.zeros(1, 2, dtype=torch.bool), torch.zeros(1, 2, 2))
    value.backward()
    assert value.item() == 0


def test_ignored_keys_do_not_count_in_the_shared_loss():
    torch.manual_seed(0)
    queries, keys = torch.randn(3, 4), torch.randn(3, 4)
    ignored = torch.zeros(3, 3, dtype=torch.bool)
    ignored[:2, 2] = ignored[2, :2] = True
    found = InfoNCELoss()(queries, keys, ignored=ignored)
    expected = (2 * InfoNCELoss()(queries[:2], keys[:2]) + 0) / 3
    torch.testing.assert_close(found, expected)
