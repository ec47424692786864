import math

import pytest
import torch

from tests.helpers.poses import poses_before_camera
from vlplugins.models.layers.pose_generator import (
    FixedGaussianPolicy,
    LocalSphericalCodec,
    MLPPosePolicy,
    SeedPoseBank,
    UniformPolicy,
)


@pytest.fixture(scope='module')
def bank():
    bank, codec = SeedPoseBank(), LocalSphericalCodec()
    bank.fill(*poses_before_camera(12), codec)
    return codec.movable_angles(bank.angles), bank.relative, codec.movable_limits


def test_gaussian_policy_draws_about_the_seed(bank):
    angles, poses, limits = bank
    index = torch.zeros(4000, dtype=torch.long)
    policy = FixedGaussianPolicy(sigma_deg=2.0, sigma_elev_deg=1.0)
    inside = angles.clone()
    inside[0] = (limits[0] + limits[1]) / 2
    values, noise = policy.sample(inside[index], poses[index], *limits, torch.Generator().manual_seed(0))
    assert noise is None
    std = torch.rad2deg((values - inside[0]).std(dim=0))
    assert torch.allclose(std[::2], torch.tensor(2.0), atol=0.1) and torch.allclose(
        std[1::2], torch.tensor(1.0), atol=0.05
    )
    assert ((values >= limits[0]) & (values <= limits[1])).all()


def test_mutation_leaves_bones_alone_and_has_no_density(bank):
    angles, poses, limits = bank
    policy = FixedGaussianPolicy(mutate_prob=0.3)
    assert not policy.has_density and FixedGaussianPolicy().has_density
    index = torch.arange(12).repeat(200)
    values, _ = policy.sample(angles[index], poses[index], *limits, torch.Generator().manual_seed(0))
    moved = (values != angles[index]).unflatten(1, (9, 2))
    assert torch.equal(moved[..., 0], moved[..., 1]) and abs(float(moved.float().mean()) - 0.3) < 0.02


def test_uniform_policy_fills_the_box(bank):
    angles, poses, limits = bank
    index = torch.zeros(5000, dtype=torch.long)
    policy = UniformPolicy()
    values, _ = policy.sample(angles[index], poses[index], *limits, torch.Generator().manual_seed(0))
    share = (values - limits[0]) / (limits[1] - limits[0])
    assert share.min() >= 0 and share.max() <= 1
    assert torch.allclose(share.mean(dim=0), torch.tensor(0.5), atol=0.02)
    assert torch.allclose(share.var(dim=0), torch.tensor(1 / 12), atol=0.005)
    volume = (limits[1] - limits[0]).log().sum()
    both = [
        policy.conditional_log_prob(values, angles, poses, *limits, None, 1),
        policy.mixture_log_prob(values, angles, poses, index, *limits, None, 1),
    ]
    for log_prob in both:
        assert torch.allclose(log_prob, -volume.expand(5000, 1), atol=1e-4)


def test_learned_policy_is_bounded_and_trains(bank):
    angles, poses, limits = bank
    torch.manual_seed(0)
    policy = MLPPosePolicy(sigma_min_deg=3, sigma_max_deg=40)
    noise = policy.draw_noise(12, angles, torch.Generator().manual_seed(0))
    mean, std = policy.distribution(angles, poses, *limits, noise)
    assert ((mean - angles).abs() <= 0.5 * (limits[1] - limits[0]) + 1e-5).all()
    assert std.min() >= math.radians(3) - 1e-6 and std.max() <= math.radians(40) + 1e-6
    values, _ = policy.sample(angles, poses, *limits, torch.Generator().manual_seed(1))
    values.square().sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in policy.parameters())
    assert sum(float(each.grad.abs().sum()) for each in policy.parameters()) > 0


def test_mixture_of_the_learned_policy_equals_a_loop(bank):
    """With as many propensity seeds as there are, it is the mean over all seeds, each with the noise of the sample."""
    angles, poses, limits = bank
    torch.manual_seed(0)
    policy = MLPPosePolicy(width=16, propensity_seeds=13, sigma_min_deg=20, sigma_max_deg=60).eval()
    index = torch.tensor([3, 7])
    with torch.no_grad():
        values, noise = policy.sample(angles[index], poses[index], *limits, torch.Generator().manual_seed(0))
        found = policy.mixture_log_prob(
            values, angles, poses, index, *limits, noise, 9, torch.Generator().manual_seed(0), chunk=1
        )
        for row in range(2):
            # The own seed stands beside the twelve of the bank.
            densities = [
                policy.conditional_log_prob(
                    values[row : row + 1], angles[[s]], poses[[s]], *limits, noise[row : row + 1], 9
                ).exp()
                for s in [*range(12), int(index[row])]
            ]
            torch.testing.assert_close(found[row].exp(), torch.cat(densities).mean(dim=0), rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize('changes', [dict(sigma_deg=0), dict(mutate_prob=0), dict(mutate_prob=1.5)])
def test_wrong_arguments_of_the_gaussian_policy(changes):
    with pytest.raises(ValueError, match='above 0'):
        FixedGaussianPolicy(**changes)


def test_wrong_arguments_of_the_learned_policy():
    with pytest.raises(ValueError, match='rise'):
        MLPPosePolicy(sigma_min_deg=40, sigma_max_deg=3)
