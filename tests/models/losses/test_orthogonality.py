import math

import pytest
import torch

from vlplugins.models.losses import OrthogonalityLoss


def naive(one, other, absolute=True):
    total = 0.0
    for u, v in zip(one.tolist(), other.tolist()):
        length = math.sqrt(sum(a * a for a in u)) * math.sqrt(sum(b * b for b in v))
        cosine = sum(a * b for a, b in zip(u, v)) / length
        total += abs(cosine) if absolute else cosine
    return total / len(one)


@pytest.mark.parametrize('absolute', [True, False])
def test_equals_a_loop(absolute):
    generator = torch.Generator().manual_seed(0)
    one, other = torch.randn(6, 5, generator=generator), torch.randn(6, 5, generator=generator)
    loss = OrthogonalityLoss(loss_weight=0.5, absolute=absolute)(one, other)
    assert loss.item() == pytest.approx(0.5 * naive(one, other, absolute), abs=1e-6)


def test_opposed_pairs_do_not_cancel():
    """The absolute value is taken for each pair, before the mean."""
    one, other = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[2.0, 0.0], [-3.0, 0.0]])
    assert OrthogonalityLoss()(one, other) == 1
    assert OrthogonalityLoss(absolute=False)(one, other) == 0


def test_vector_of_zeros_is_orthogonal_with_a_finite_gradient():
    one, other = torch.zeros(1, 3, requires_grad=True), torch.ones(1, 3, requires_grad=True)
    loss = OrthogonalityLoss()(one, other)
    loss.backward()
    assert loss == 0 and one.grad.isfinite().all() and other.grad.isfinite().all()


def test_no_pair_is_zero_and_keeps_the_graph():
    one, other = torch.ones(0, 3, requires_grad=True), torch.ones(0, 3, requires_grad=True)
    loss = OrthogonalityLoss()(one, other)
    loss.backward()
    assert loss == 0 and one.grad.shape == (0, 3)


def test_both_sides_have_a_gradient():
    one, other = torch.randn(2, 4, requires_grad=True), torch.randn(2, 4, requires_grad=True)
    OrthogonalityLoss()(one, other).backward()
    assert one.grad.abs().sum() > 0 and other.grad.abs().sum() > 0


def test_half_precision_is_computed_in_single():
    one, other = torch.randn(4, 8), torch.randn(4, 8)
    half = OrthogonalityLoss()(one.half(), other.half())
    assert half.dtype == torch.float32 and half.item() == pytest.approx(naive(one, other), abs=2e-3)


def test_unlike_shapes_are_refused():
    with pytest.raises(ValueError, match=r'\(2, 3\) and \(3, 3\)'):
        OrthogonalityLoss()(torch.ones(2, 3), torch.ones(3, 3))
