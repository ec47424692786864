import math

import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.models.losses import ConsensusPseudoLabelLoss, TemporalConsensusLoss


def batch(seed=0):
    torch.manual_seed(seed)
    first, second = torch.randn(3, 6, 4), torch.randn(3, 6, 4)
    mask = torch.arange(6)[None] < torch.tensor([[6], [4], [1]])
    labels = torch.tensor([[1.0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    return first.requires_grad_(), second.requires_grad_(), mask, labels


def softmax(values):
    total = sum(math.exp(v) for v in values)
    return [math.exp(v) / total for v in values]


def naive_consensus(first, second, mask, labels, mode, tau):
    total, pairs = 0.0, 0
    for clip in range(len(labels)):
        length = int(mask[clip].sum())
        for label in range(labels.shape[1]):
            if not labels[clip, label]:
                continue
            one, two = ([v / tau for v in each[clip, :length, label].tolist()] for each in (first, second))
            p1, p2 = softmax(one), softmax(two)
            q = softmax([a + b for a, b in zip(one, two)])
            targets = (p2, p1) if mode == 'mutual' else (q, q)
            for p, target in zip((p1, p2), targets):
                total += sum(t * math.log(t / each) for t, each in zip(target, p))
            pairs += 1
    return total / pairs


@pytest.mark.parametrize('mode', ['mutual', 'product'])
@pytest.mark.parametrize('tau', [1.0, 2.0])
def test_value_equals_the_naive_loop(mode, tau):
    first, second, mask, labels = batch()
    loss = TemporalConsensusLoss(mode, tau, loss_weight=3.0)(first, second, mask, labels)
    assert loss.item() == pytest.approx(3 * naive_consensus(first, second, mask, labels, mode, tau), rel=1e-5)


def test_three_lines_by_hand_and_classes_may_be_permuted():
    first = torch.tensor([[[0.0], [0.0], [0.0]]])
    second = torch.tensor([[[math.log(2.0)], [0.0], [0.0]]])  # 1/2, 1/4, 1/4
    mask, labels = torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 1)
    forth = 0.5 * math.log(1.5) + 0.5 * math.log(0.75)
    back = (math.log(2 / 3) + 2 * math.log(4 / 3)) / 3
    assert TemporalConsensusLoss()(first, second, mask, labels).item() == pytest.approx(forth + back, abs=1e-6)
    first, second, mask, labels = batch()
    order = [2, 0, 3, 1]
    one = TemporalConsensusLoss()(first, second, mask, labels)
    two = TemporalConsensusLoss()(first[..., order], second[..., order], mask, labels[:, order])
    torch.testing.assert_close(one, two)


@pytest.mark.parametrize('mode', ['mutual', 'product'])
def test_gradient_is_that_of_a_fixed_target(mode):
    first, second, mask, _ = batch()
    labels = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    TemporalConsensusLoss(mode)(first, second, mask, labels).backward()
    p1, p2 = first[0, :, 0].softmax(dim=0), second[0, :, 0].softmax(dim=0)
    product = (first[0, :, 0] + second[0, :, 0]).softmax(dim=0)
    targets = (p2, p1) if mode == 'mutual' else (product, product)
    for logits, p, target in zip((first, second), (p1, p2), targets):
        torch.testing.assert_close(logits.grad[0, :, 0], (p - target).detach(), atol=1e-6, rtol=1e-5)
        assert not logits.grad[0, :, 1:].any() and not logits.grad[1:].any()


@pytest.mark.parametrize('loss', [TemporalConsensusLoss(), ConsensusPseudoLabelLoss()])
def test_padding_changes_nothing_and_half_precision_stays_finite(loss):
    first, second, mask, labels = batch()
    padded = [torch.cat([each, torch.full((3, 5, 4), 100.0)], dim=1) for each in (first, second)]
    more = torch.cat([mask, torch.zeros(3, 5, dtype=torch.bool)], dim=1)
    expected = loss(first, second, mask, labels)
    torch.testing.assert_close(loss(*padded, more, labels), expected)
    torch.testing.assert_close(loss(first.half(), second.half(), mask, labels), expected, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize('loss', [TemporalConsensusLoss(), TemporalConsensusLoss('product')])
def test_without_a_present_class_the_loss_is_0_and_has_a_graph(loss):
    first, second, mask, labels = batch()
    value = loss(first, second, mask, torch.zeros_like(labels))
    value.backward()
    assert value.item() == 0 and not first.grad.any()


def test_clips_that_lack_a_modality_do_not_count():
    first, second, mask, labels = batch()
    present = torch.tensor([True, False, True])
    for loss in (TemporalConsensusLoss(), ConsensusPseudoLabelLoss()):
        found = loss(first, second, mask, labels, present)
        expected = loss(first[[0, 2]], second[[0, 2]], mask[[0, 2]], labels[[0, 2]])
        torch.testing.assert_close(found, expected)


def naive_pseudo(first, second, mask, labels, balance=True):
    total = 0.0
    for logits in (first, second):
        positive, negative = [], []
        for clip in range(len(labels)):
            length = int(mask[clip].sum())
            for label in range(labels.shape[1]):
                rows = [each[clip, :length, label].tolist() for each in (first, second)]
                values = logits[clip, :length, label].tolist()
                if not labels[clip, label]:
                    negative += values
                    continue
                if min(max(row) - min(row) for row in rows) < 1e-3:
                    continue
                scaled = [[(v - min(row)) / (max(row) - min(row) + 1e-6) for v in row] for row in rows]
                positive += [v for v, a, b in zip(values, *scaled) if a > 0.6 and b > 0.6]
                negative += [v for v, a, b in zip(values, *scaled) if a < 0.4 and b < 0.4]
        on, off = ([math.log1p(math.exp(s * v)) for v in each] for s, each in ((-1, positive), (1, negative)))
        if balance:
            total += sum(on) / max(len(on), 1) + sum(off) / max(len(off), 1)
        else:
            total += (sum(on) + sum(off)) / max(len(on) + len(off), 1)
    return total


@pytest.mark.parametrize('balance', [True, False])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_pseudo_labels_equal_the_naive_loop(balance, seed):
    first, second, mask, labels = batch(seed)
    loss = ConsensusPseudoLabelLoss(balance=balance, loss_weight=2.0)(first, second, mask, labels)
    assert loss.item() == pytest.approx(2 * naive_pseudo(first, second, mask, labels, balance), rel=1e-5)
    loss.backward()
    assert first.grad.abs().sum() > 0 and second.grad.abs().sum() > 0


def test_a_flat_activation_labels_nothing():
    first, second, mask, labels = batch()
    first = first.detach().clone()
    first[0, :, 0] = 0.5
    positive, negative = ConsensusPseudoLabelLoss().pseudo_labels(first, second, mask, labels)
    assert not positive[0, :, 0].any() and not negative[0, :, 0].any()
    assert negative[0, :, 1].all() and not negative[1, 4:].any()  # absent class; padded lines


def test_absent_classes_do_not_drown_the_positives():
    first, second, mask, labels = batch()
    loss = ConsensusPseudoLabelLoss(loss_weight=1.0)
    more = torch.cat([labels, torch.zeros(3, 8)], dim=1)
    wide = [torch.cat([each, torch.full((3, 6, 8), -60.0)], dim=2) for each in (first, second)]
    positive, _ = loss.pseudo_labels(*wide, mask, more)
    for logits, each in zip((first, second), wide):
        expected = torch.nn.functional.softplus(-logits[positive[..., :4]]).mean()
        counts = [positive.sum().float(), torch.tensor(1e9)]
        found = loss._cross_entropy(each, positive, torch.zeros_like(positive), counts)
        torch.testing.assert_close(found, expected)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="mode 'sum'"):
        TemporalConsensusLoss('sum')
    with pytest.raises(ValueError, match='neg_thr 0.7'):
        ConsensusPseudoLabelLoss(neg_thr=0.7)


def _losses_of_a_part(rank, world_size):
    first, second, mask, labels = batch()
    part = slice(0, 1) if rank == 0 else slice(1, 3)  # uneven parts
    arguments = [each[part].detach().requires_grad_(each.is_floating_point()) for each in (first, second)]
    losses = [
        loss(*arguments, mask[part], labels[part]) for loss in (TemporalConsensusLoss(), ConsensusPseudoLabelLoss())
    ]
    sum(losses).backward()
    return torch.stack(losses).detach(), arguments[0].grad


def test_two_processes_equal_one_on_the_joined_batch():
    first, second, mask, labels = batch()
    losses = [loss(first, second, mask, labels) for loss in (TemporalConsensusLoss(), ConsensusPseudoLabelLoss())]
    sum(losses).backward()
    parts = run_distributed(_losses_of_a_part)
    mean = sum(values for values, _ in parts) / 2
    torch.testing.assert_close(mean, torch.stack(losses).detach(), rtol=1e-5, atol=1e-6)
    joined = torch.cat([gradient for _, gradient in parts]) / 2  # as DistributedDataParallel averages
    torch.testing.assert_close(joined, first.grad, rtol=1e-4, atol=1e-6)
