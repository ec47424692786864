import math

import pytest
import torch

from vlplugins.models.losses import DomainFocalLoss, DomainLeastSquaresLoss


@pytest.mark.parametrize('kind', ['power', 'exponential'])
@pytest.mark.parametrize('domain', [0, 1])
def test_focal_loss_equals_a_loop(kind, domain):
    logits = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    total = 0.0
    for row in logits.tolist():
        p = math.exp(row[domain]) / (math.exp(row[0]) + math.exp(row[1]))
        total -= ((1 - p) ** 5 if kind == 'power' else math.exp(-5 * p)) * math.log(p)
    loss = DomainFocalLoss(kind=kind, loss_weight=0.5)(logits, domain)
    assert loss.item() == pytest.approx(0.5 * total / 5, rel=1e-5)


def test_source_is_0_and_target_is_1():
    """A classifier that is right has no loss, one that is wrong has much."""
    loss = DomainFocalLoss()
    source, target = torch.tensor([[9.0, -9.0]]), torch.tensor([[-9.0, 9.0]])
    assert loss(source, 0) < 1e-6 and loss(target, 1) < 1e-6
    assert loss(source, 1).item() == pytest.approx(18, rel=1e-4)


def test_focal_loss_stays_finite_where_a_probability_vanishes():
    logits = torch.tensor([[300.0, -300.0]], requires_grad=True)
    loss = DomainFocalLoss()(logits, 1)
    loss.backward()
    assert loss.item() == pytest.approx(600) and logits.grad.isfinite().all()


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="'cubic'"):
        DomainFocalLoss(kind='cubic')


def test_least_squares_by_hand():
    probabilities = torch.tensor([[[[0.0, 0.5], [1.0, 0.5]]]])
    loss = DomainLeastSquaresLoss(loss_weight=2.0)
    assert loss(probabilities, 0).item() == pytest.approx(2 * (0 + 0.25 + 1 + 0.25) / 4)
    assert loss(probabilities, 1).item() == pytest.approx(2 * (1 + 0.25 + 0 + 0.25) / 4)
    with pytest.raises(ValueError, match='neither'):
        loss(probabilities, 2)


@pytest.mark.parametrize('loss', [DomainFocalLoss(), DomainLeastSquaresLoss()])
def test_half_precision_is_computed_in_single(loss):
    values = torch.rand(3, 2)
    half = loss(values.half(), 1)
    assert half.dtype == torch.float32 and half.item() == pytest.approx(loss(values, 1).item(), rel=1e-2)
