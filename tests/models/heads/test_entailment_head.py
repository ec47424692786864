import math

import pytest
import torch

from tests.helpers.violin import seeded
from vlplugins.models.heads.entailment_head import soft_and

LOSS = dict(type='mmdet.CrossEntropyLoss', use_sigmoid=True)


@pytest.mark.parametrize('logits, expected', [((4.0, -4.0), -3.307188), ((1.5, 1.5), 1.5), ((-2.0,), -2.0)])
def test_soft_and(logits, expected):
    found = soft_and(torch.tensor([logits]), torch.ones(1, len(logits), dtype=torch.bool))
    assert found.item() == pytest.approx(expected, abs=1e-5)


def test_gradient_goes_to_the_worst_event():
    logits = torch.tensor([[3.0, -3.0, 2.0]], requires_grad=True)
    soft_and(logits, torch.ones(1, 3, dtype=torch.bool)).backward()
    assert logits.grad[0, 1] > 0.9 and logits.grad.sum() == pytest.approx(1.0)


def test_padded_events_say_nothing():
    mask = torch.tensor([[True, True, False]])
    for value in (99.0, -99.0):
        assert soft_and(torch.tensor([[1.0, 2.0, value]]), mask) == soft_and(torch.tensor([[1.0, 2.0, 0.0]]), mask)


def head(**options):
    pytest.importorskip('mmdet')
    return seeded(dict(dict(type='EntailmentHead', dim=8, loss_cls=LOSS), **options))


@pytest.mark.parametrize('verdict', ['soft_and', 'mean', 'global'])
def test_verdicts_mix_events_and_the_whole(verdict):
    part = head(verdict=verdict)
    nodes, whole = torch.randn(2, 4, 8), torch.randn(2, 8)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    logits, events = part(nodes, whole, mask)
    z = part.whole(torch.cat([nodes[:, 0], whole], dim=1))[:, 0]
    if verdict == 'global':
        assert torch.equal(logits, z) and events.isnan().all()
        return
    assert torch.equal(events.isnan(), ~mask)
    own = [events[row][mask[row]] for row in range(2)]
    if verdict == 'mean':
        joined = torch.stack([each.mean() for each in own])
    else:
        joined = torch.stack([-((-each).exp().mean().log()) for each in own])
    torch.testing.assert_close(logits, (z + joined) / 2)


def test_large_logits_have_a_finite_loss():
    logits = torch.tensor([200.0, -200.0, 200.0], requires_grad=True)
    loss = head().loss(logits, torch.tensor([1, 1, 0]))
    loss.backward()
    assert loss.item() == pytest.approx(400 / 3, rel=1e-4) and logits.grad.isfinite().all()
    assert math.isclose(head().loss(torch.zeros(2), torch.tensor([1, 0])).item(), math.log(2), rel_tol=1e-5)
