import math

import numpy as np
import pytest
import torch
from scipy.stats import truncnorm

from vlplugins.models.layers.pose_generator.propensity import (
    conditional_mixture_log_prob,
    effective_sample_size,
    importance_weight,
    log_interval_mass,
    mixture_log_prob,
    sample_truncated_normal,
    truncated_normal_log_prob,
    uniform_log_prob,
)

RAD = math.pi / 180
CASES = [
    (0.0, 20.0, -30.0, 120.0),
    (120.0, 3.0, -30.0, 120.0),
    (-150.0, 10.0, -145.0, 5.0),
    (300.0, 20.0, -95.0, 100.0),
]


def scipy_of(mean, std, low, high):
    return truncnorm((low - mean) / std, (high - mean) / std, mean, std)


@pytest.mark.parametrize('mean, std, low, high', CASES)
def test_density_equals_scipy_up_to_the_limits(mean, std, low, high):
    grid = np.array([low, low + 0.01, low + 1, (low + high) / 2, high - 1, high - 0.01, high]) * RAD
    arguments = [torch.tensor([each * RAD]) for each in (mean, std, low, high)]
    found = truncated_normal_log_prob(torch.from_numpy(grid).clamp(arguments[2], arguments[3]), *arguments)
    expected = scipy_of(*(float(each.double()) for each in arguments)).logpdf(grid)
    inside = np.isfinite(expected)
    assert inside.sum() >= 5
    np.testing.assert_allclose(found.numpy()[inside], expected[inside], rtol=1e-6, atol=1e-6)
    outside = torch.tensor([low - 0.01, high + 0.01]) * RAD
    assert truncated_normal_log_prob(outside, *arguments).isinf().all()


def test_mass_keeps_its_digits_in_the_tails():
    first, last = torch.tensor([8.0, -20.0, -1.0]).double(), torch.tensor([9.0, -19.0, 1.0]).double()
    expected = [math.log(6.22096e-16), -184.4348, math.log(0.682689492)]
    found = log_interval_mass(first, last)
    np.testing.assert_allclose(found[[0, 2]], [expected[0], expected[2]], rtol=1e-5)
    # log Phi(-19) = -184.4..., from which the part beyond -20 takes 1e-9.
    assert abs(float(found[1]) - float(torch.special.log_ndtr(torch.tensor(-19.0).double()))) < 1e-6


def test_samples_follow_the_density():
    mean, std, low, high = (torch.tensor(value * RAD) for value in (90.0, 30.0, -30.0, 120.0))
    samples = (
        sample_truncated_normal(mean.expand(20000), std, low, high, torch.Generator().manual_seed(0)).double().numpy()
    )
    law = scipy_of(*(float(each) for each in (mean, std, low, high)))
    grid = np.linspace(float(low), float(high), 9)[1:-1]
    shares = (samples[:, None] < grid).mean(axis=0)
    # Three deviations of a share of 20,000 are at most 0.011.
    np.testing.assert_allclose(shares, law.cdf(grid), atol=0.012)
    assert samples.min() >= float(low) and samples.max() <= float(high)


def test_far_means_give_samples_inside_and_gradients():
    mean = torch.tensor([-10.0, 0.0, 10.0], requires_grad=True)
    std = torch.full((3,), 0.05, requires_grad=True)
    low, high = torch.tensor([-0.5]), torch.tensor([0.6])
    values = sample_truncated_normal(mean, std, low, high, torch.Generator().manual_seed(0))
    assert ((values >= low) & (values <= high)).all() and values[0] < -0.4 and values[2] > 0.5
    values.sum().backward()
    assert mean.grad.isfinite().all() and std.grad.isfinite().all() and mean.grad[1] > 0.9


def loop_mixture(values, means, stds, low, high, groups):
    rows = []
    for z in values.double().numpy():
        size = len(z) // groups
        marginals = []
        for group in range(groups):
            total = 0.0
            for mean, std in zip(means.double().numpy(), stds.double().expand_as(means).numpy()):
                dims = range(group * size, (group + 1) * size)
                total += math.prod(scipy_of(mean[j], std[j], low[j].item(), high[j].item()).pdf(z[j]) for j in dims)
            marginals.append(math.log(total / len(means)))
        rows.append(marginals)
    return torch.tensor(rows)


def problem(dims=6, seeds=5, count=4):
    generator = torch.Generator().manual_seed(0)
    low, high = -torch.rand(dims, generator=generator) - 0.5, torch.rand(dims, generator=generator) + 0.5
    draw = [low + (high - low) * torch.rand(size, dims, generator=generator) for size in (count, seeds)]
    stds = 0.1 + 0.4 * torch.rand(seeds, dims, generator=generator)
    return draw[0], draw[1], stds, low, high


@pytest.mark.parametrize('groups', [1, 3])
def test_mixture_equals_a_loop(groups):
    values, means, stds, low, high = problem()
    expected = loop_mixture(values, means, stds, low, high, groups)
    found = mixture_log_prob(values, means, stds, low, high, groups, chunk=3)
    torch.testing.assert_close(found, expected.float(), atol=1e-4, rtol=1e-5)
    own = conditional_mixture_log_prob(values, means.expand(4, -1, -1), stds, low, high, groups)
    torch.testing.assert_close(own, expected.float(), atol=1e-4, rtol=1e-5)
    beyond = values.clone()
    beyond[0, 0] = high[0] + 0.1
    assert mixture_log_prob(beyond, means, stds, low, high, groups)[0, 0] == -math.inf


def test_mixture_is_a_density():
    _, means, stds, low, high = problem(dims=2)
    axis = [torch.linspace(float(low[j]), float(high[j]), 201) for j in range(2)]
    middle = [(each[1:] + each[:-1]) / 2 for each in axis]
    grid = torch.cartesian_prod(*middle)
    area = float((axis[0][1] - axis[0][0]) * (axis[1][1] - axis[1][0]))
    assert abs(float(mixture_log_prob(grid, means, stds, low, high).exp().sum()) * area - 1) < 1e-3


def test_uniform_density_and_its_ratio_to_itself():
    low, high = torch.tensor([0.0, 0.0, 0.0, -1.0]), torch.tensor([2.0, 0.5, 1.0, 1.0])
    values = torch.tensor([[1.0, 0.2, 0.5, 0.0], [3.0, 0.2, 0.5, 0.0]])
    log_prob = uniform_log_prob(values, low, high, groups=2)
    torch.testing.assert_close(log_prob[0], torch.tensor([0.0, -math.log(2)]))
    assert log_prob[1].tolist()[0] == -math.inf
    assert importance_weight(log_prob[:1], log_prob[:1]).item() == 1


def test_weights_by_hand():
    log_pi, log_q = torch.tensor([[0.0, 0.0]]).log1p(), torch.tensor([[math.log(2), math.log(8)]])
    # exp(mean(-log 2, -log 8)) = 1 / 4; squared with temperature 2.
    assert importance_weight(log_pi, log_q).item() == pytest.approx(1 / 4)
    assert importance_weight(log_pi, log_q, 2.0).item() == pytest.approx(1 / 16)
    assert importance_weight(torch.tensor([[1e4]]), torch.zeros(1, 1)).isfinite().all()
    log_q.requires_grad_()
    assert not importance_weight(log_pi, log_q).requires_grad


def test_effective_sample_size_by_hand():
    assert effective_sample_size(torch.tensor([1.0, 1.0, 1.0, 1.0])).item() == 1
    assert effective_sample_size(torch.tensor([1.0, 0.0, 0.0, 0.0])).item() == 0.25
    # (1 + 3)^2 / (2 * 10) = 0.8; large weights do not overflow.
    assert effective_sample_size(1e30 * torch.tensor([1.0, 3.0])).item() == pytest.approx(0.8)


def test_the_mixture_is_unbiased_where_the_conditional_density_is_useless():
    """One angle in [-1, 1], four seeds, uniform target; the loss (z + 1) / 2 has the true risk 0.5."""
    generator = torch.Generator().manual_seed(0)
    low, high = torch.tensor([-1.0, -1.0]), torch.tensor([1.0, 1.0])
    seeds = torch.tensor([[-0.8, 0.0], [-0.5, 0.0], [0.1, 0.0], [0.9, 0.0]])
    std = torch.tensor([[0.25, 100.0]])
    which = torch.randint(4, (100_000,), generator=generator)
    values = sample_truncated_normal(seeds[which], std, low, high, generator)
    losses = (values[:, 0] + 1) / 2
    log_pi = uniform_log_prob(values, low, high)
    mixture = importance_weight(log_pi, mixture_log_prob(values, seeds, std, low, high))
    own = truncated_normal_log_prob(values, seeds[which], std, low, high).sum(dim=1, keepdim=True)
    conditional = importance_weight(log_pi.double(), own).float()
    assert abs(float((mixture * losses).mean()) - 0.5) < 0.005
    assert abs(float(losses.mean()) - 0.5) > 0.02
    assert effective_sample_size(mixture) > 0.4 and effective_sample_size(conditional) < 0.1
    assert mixture.max() < 10 < conditional.max() / 10
