import math
import statistics

import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.models.losses.counterfactual_risk_loss import CounterfactualRiskLoss

LOSSES, WEIGHTS = [0.5, 1.0, 3.0, 0.25], [1.0, 12.0, 0.5, 2.0]


def call(losses=LOSSES, weights=WEIGHTS, valid=None, **changes):
    loss = CounterfactualRiskLoss(**changes)
    valid = None if valid is None else torch.tensor(valid)
    return loss(torch.tensor(losses, dtype=torch.float32), torch.tensor(weights, dtype=torch.float32), valid)


def naive(losses, weights, estimator, clip):
    """Risk and the variance of its mean, by the formulas with plain numbers."""
    bounded = [1.0 if estimator == 'mean' else min(clip or math.inf, weight) for weight in weights]
    count = len(losses)
    if estimator == 'snips':
        risk = sum(w * d for w, d in zip(bounded, losses)) / sum(bounded)
        mean = sum(bounded) / count
        variance = sum((w * (d - risk) / mean) ** 2 for w, d in zip(bounded, losses)) / (count - 1)
    else:
        products = [w * d for w, d in zip(bounded, losses)]
        risk, variance = sum(products) / count, statistics.variance(products)
    return risk, variance / count


@pytest.mark.parametrize('estimator', ['snips', 'ips', 'mean'])
@pytest.mark.parametrize('clip', [None, 10.0, 2.0])
def test_risk_and_penalty_equal_the_formulas(estimator, clip):
    found = call(estimator=estimator, clip=clip, var_weight=0.3, loss_weight=2.0)
    risk, variance = naive(LOSSES, WEIGHTS, estimator, clip)
    assert found['loss_crm_risk'].item() == pytest.approx(2 * risk, rel=1e-5)
    assert found['loss_crm_var'].item() == pytest.approx(2 * 0.3 * math.sqrt(variance), rel=1e-4)


def test_log_by_hand():
    found = call(clip=10.0)
    # Weights 1, 10, 0.5, 2: 13.5^2 / (4 * 105.25).
    assert found['crm/ess'].item() == pytest.approx(13.5**2 / (4 * 105.25))
    assert found['crm/clipped_frac'].item() == 0.25 and found['crm/max_weight'].item() == 12


def test_self_normalised_does_not_know_a_constant_factor():
    scaled = [7 * weight for weight in WEIGHTS]
    for key in ('loss_crm_risk', 'loss_crm_var'):
        assert call(weights=scaled, clip=None)[key].item() == pytest.approx(call(clip=None)[key].item(), rel=1e-5)
    ips = [call(weights=each, clip=None, estimator='ips')['loss_crm_risk'].item() for each in (WEIGHTS, scaled)]
    assert ips[1] == pytest.approx(7 * ips[0], rel=1e-5)


def test_self_normalised_constant_loss_is_that_constant_without_variance():
    found = call(losses=[0.7] * 4)
    assert found['loss_crm_risk'].item() == pytest.approx(0.7) and found['loss_crm_var'].item() < 1e-5


def test_weights_of_one_give_the_plain_mean():
    for estimator in ('snips', 'ips', 'mean'):
        risk = call(weights=[1.0] * 4, estimator=estimator)['loss_crm_risk'].item()
        assert risk == pytest.approx(sum(LOSSES) / 4)


def test_invalid_samples_do_not_count():
    masked = call(valid=[True, False, True, True], losses=[0.5, math.nan, 3.0, 0.25])
    alone = call(losses=[0.5, 3.0, 0.25], weights=[1.0, 0.5, 2.0])
    for key, value in alone.items():
        assert masked[key].item() == pytest.approx(value.item(), rel=1e-5), key


@pytest.mark.parametrize('estimator', ['snips', 'ips', 'mean'])
def test_one_sample_has_no_variance_and_none_has_no_risk(estimator):
    one = call([0.5], [3.0], estimator=estimator, clip=None)
    assert one['loss_crm_var'].item() == 0
    assert one['loss_crm_risk'].item() == pytest.approx(1.5 if estimator == 'ips' else 0.5)
    losses = torch.tensor([1.0, 2.0], requires_grad=True)
    none = CounterfactualRiskLoss(estimator)(losses, torch.ones(2), torch.zeros(2, dtype=torch.bool))
    (none['loss_crm_risk'] + none['loss_crm_var']).backward()
    assert all(value.item() == 0 for value in none.values()) and (losses.grad == 0).all()
    empty = CounterfactualRiskLoss(estimator)(torch.zeros(0), torch.zeros(0))
    assert all(value.item() == 0 for value in empty.values())


@pytest.mark.parametrize('estimator', ['snips', 'ips'])
def test_gradient_flows_through_the_variance_and_not_through_weights(estimator):
    losses = torch.tensor(LOSSES, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor(WEIGHTS, requires_grad=True)
    CounterfactualRiskLoss(estimator)(losses, weights)['loss_crm_var'].backward()
    assert weights.grad is None and (losses.grad != 0).all()
    # Against differences of the naive formula: through the risk inside the variance too.
    step = 1e-4
    for index in range(4):
        moved = [list(LOSSES), list(LOSSES)]
        moved[0][index] += step
        moved[1][index] -= step
        up, down = (0.1 * math.sqrt(naive(each, WEIGHTS, estimator, 10.0)[1]) for each in moved)
        assert losses.grad[index].item() == pytest.approx((up - down) / (2 * step), rel=1e-3)


def test_half_precision_losses():
    losses = torch.tensor(LOSSES, dtype=torch.bfloat16)
    found = CounterfactualRiskLoss()(losses, torch.tensor(WEIGHTS))
    assert found['loss_crm_risk'].dtype == torch.float32 and found['loss_crm_risk'].isfinite()


def joined(rank, world_size, estimator):
    torch.manual_seed(0)
    losses, weights = torch.rand(10), 12 * torch.rand(10)
    valid = torch.arange(10) != 3
    part = slice(0, 6) if rank == 0 else slice(6, 10)
    mine = losses[part].clone().requires_grad_() if world_size > 1 else losses.clone().requires_grad_()
    rows = part if world_size > 1 else slice(None)
    found = CounterfactualRiskLoss(estimator)(mine, weights[rows], valid[rows])
    (found['loss_crm_risk'] + found['loss_crm_var']).backward()
    return dict(grad=mine.grad, **{key: value.detach() for key, value in found.items()})


@pytest.mark.parametrize('estimator', ['snips', 'ips'])
def test_two_processes_equal_one(estimator):
    alone = joined(0, 1, estimator)
    first, second = run_distributed(joined, 2, estimator)
    for key in alone:
        if key != 'grad':
            assert first[key].item() == pytest.approx(alone[key].item(), rel=1e-5)
    # Gradients are summed over both losses; DistributedDataParallel takes the mean.
    torch.testing.assert_close(torch.cat([first['grad'], second['grad']]) / 2, alone['grad'])


def test_wrong_arguments():
    with pytest.raises(ValueError, match='estimator'):
        CounterfactualRiskLoss('dr')
    with pytest.raises(ValueError, match='clip'):
        CounterfactualRiskLoss(clip=0)
