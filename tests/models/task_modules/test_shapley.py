import itertools
import math

import pytest
import torch

from vlplugins.models.task_modules.game_values import MatchedProbValue
from vlplugins.models.task_modules.shapley import ExactShapley, SampledShapley


def coalition(players, *members):
    return torch.tensor([[player in members for player in range(players)]])


def glove(masks):
    """A left glove and two right ones: a pair is worth 1."""
    return (masks[..., 0] & (masks[..., 1] | masks[..., 2])).float()


def unanimity(masks):
    return masks.all(dim=-1).float()


def random_game(players, seed=0, games=()):
    table = torch.randn(2**players, *games, generator=torch.Generator().manual_seed(seed))
    table[0] = 0
    return lambda masks: table[(masks * 2 ** torch.arange(players)).sum(dim=-1)]


def naive_shapley(value, players, player):
    """By all orders of the players; ``value`` takes a set."""
    total = 0.0
    for order in itertools.permutations(players):
        before = set(order[: order.index(player)])
        total += value(before | {player}) - value(before)
    return total / math.factorial(len(players))


def naive_interaction(value_fn, count, members):
    """In reduced games, with the coalition as the one player ``'C'``."""

    def value(players):
        inside = {each for player in players for each in (members if player == 'C' else {player})}
        return value_fn(coalition(count, *inside)).item()

    rest = [player for player in range(count) if player not in members]
    alone = sum(naive_shapley(value, [*rest, member], member) for member in members)
    return naive_shapley(value, [*rest, 'C'], 'C') - alone


@pytest.mark.parametrize(
    'game, players, members, expected',
    [
        (glove, 3, (0, 1), 0.5),
        (glove, 3, (1, 2), -0.5),
        (unanimity, 4, (0, 2), 1 / 3),
        (unanimity, 4, (0, 1, 3), 1 / 2),
        (unanimity, 4, (0, 1, 2, 3), 1.0),
        (unanimity, 4, (2,), 0.0),
    ],
)
def test_games_worked_out_by_hand(game, players, members, expected):
    exact = ExactShapley().estimate(game, coalition(players, *members))
    assert exact.mean.item() == pytest.approx(expected, abs=1e-6) and exact.stderr.item() == 0
    # A coin for each player instead of a uniform size (Banzhaf) would give 1/4 for pairs of the unanimity game.
    sampled = SampledShapley(num_samples=4000).estimate(game, coalition(players, *members))
    assert abs(sampled.mean.item() - expected) <= 4 * sampled.stderr.item() + 1e-6
    assert sampled.stderr.item() < 0.02


@pytest.mark.parametrize('members', [(0, 1), (1, 3, 4), (0, 1, 2, 3, 4)])
@pytest.mark.parametrize('seed', [0, 1])
def test_exact_equals_all_orders_of_reduced_games(members, seed):
    game = random_game(5, seed)
    found = ExactShapley(chunk_size=7).estimate(game, coalition(5, *members)).mean.item()
    assert found == pytest.approx(naive_interaction(game, 5, members), abs=1e-5)


def test_axioms_of_shapley_values():
    first, second = random_game(5, 0), random_game(5, 1)
    exact = ExactShapley()
    values = exact.values(first, 5)
    naive = [naive_shapley(lambda s: first(coalition(5, *s)).item(), range(5), player) for player in range(5)]
    torch.testing.assert_close(values, torch.tensor(naive), atol=1e-5, rtol=0)
    assert values.sum().item() == pytest.approx(first(torch.ones(1, 5, dtype=torch.bool)).item(), abs=1e-5)
    both = exact.values(lambda masks: 2 * first(masks) - second(masks), 5)
    torch.testing.assert_close(both, 2 * values - exact.values(second, 5), atol=1e-5, rtol=0)
    # Player 2 of the glove game doubles player 1; a fourth player adds nothing.
    with_dummy = exact.values(lambda masks: glove(masks[..., :3]), 4)
    torch.testing.assert_close(with_dummy, torch.tensor([2 / 3, 1 / 6, 1 / 6, 0.0]))


@pytest.mark.parametrize('antithetic', [False, True])
def test_samples_are_unbiased_and_their_error_is_told(antithetic):
    game = random_game(6, 3)
    coalitions = torch.cat([coalition(6, 0, 1), coalition(6, 1, 2, 5), coalition(6, 3), coalition(6, *range(6))])
    truth = ExactShapley().estimate(game, coalitions).mean
    estimates = [SampledShapley(32, antithetic).estimate(game, coalitions, step) for step in range(200)]
    means = torch.stack([each.mean for each in estimates])
    spread = means.std(dim=0)
    assert ((means.mean(dim=0) - truth).abs() <= 4 * spread / math.sqrt(200) + 1e-6).all()
    told = torch.stack([each.stderr for each in estimates]).square().mean(dim=0).sqrt()
    # A spread over 200 runs is itself known to about 5 per cent.
    torch.testing.assert_close(told[:2], spread[:2], rtol=0.25, atol=0)
    # One member, and no outsiders: nothing is left to chance.
    assert (told[2:] < 1e-6).all() and (spread[2:] < 1e-6).all()


def test_subsets_leave_the_coalition_out_and_their_sizes_are_uniform():
    coalitions = torch.cat([coalition(6, 0, 4), coalition(6, *range(6))])
    subsets = SampledShapley(6000).draw(coalitions)
    assert not (subsets & coalitions[:, None]).any()
    sizes = subsets[0].sum(dim=-1).bincount(minlength=5)
    # Expected 1200 each, with a deviation of 31.
    assert len(sizes) == 5 and (sizes - 1200).abs().max() < 130
    inside = subsets[0][:, [1, 2, 3, 5]].float().mean(dim=0)
    torch.testing.assert_close(inside, torch.full((4,), 0.5), atol=0.03, rtol=0)
    pairs = SampledShapley(64, antithetic=True).draw(coalitions)[0]
    assert (pairs[:32] ^ pairs[32:])[:, [1, 2, 3, 5]].all()


def test_an_additive_game_has_exactly_no_interaction():
    weights = torch.arange(6.0)
    found = SampledShapley(16).estimate(lambda masks: masks.float() @ weights, coalition(6, 1, 3, 5))
    assert found.mean.item() == 0 and found.stderr.item() == 0


def test_batches_and_several_games_equal_one_by_one():
    games = [random_game(5, seed, games=(2,)) for seed in range(3)]
    coalitions = torch.stack([torch.cat([coalition(5, 0, seed + 1), coalition(5, 1, 2, 4)]) for seed in range(3)])

    def joined(masks):
        return torch.stack([game(mask) for game, mask in zip(games, masks)])

    exact = ExactShapley().estimate(joined, coalitions).mean
    assert exact.shape == (3, 2, 2)
    for row, game in enumerate(games):
        torch.testing.assert_close(exact[row], ExactShapley().estimate(game, coalitions[row]).mean)
    sampled = SampledShapley(2000, chunk_size=999).estimate(joined, coalitions)
    assert ((sampled.mean - exact).abs() <= 4.5 * sampled.stderr).all()


@pytest.mark.parametrize('estimator', [ExactShapley, lambda **options: SampledShapley(16, **options)])
def test_no_more_coalitions_are_evaluated_at_once_than_a_chunk(estimator):
    seen = []

    def value(masks):
        seen.append(masks[..., 0].numel())
        return masks.float().sum(dim=-1).square()

    coalitions = torch.cat([coalition(6, 0, 1), coalition(6, 2, 3, 4)]).expand(4, -1, -1)
    whole = estimator(chunk_size=10**6).estimate(value, coalitions)
    assert len(seen) == 1 and seen[0] > 40
    seen.clear()
    # Four images with 10 coalitions each.
    parts = estimator(chunk_size=40).estimate(value, coalitions)
    assert max(seen) == 40 and torch.equal(parts.mean, whole.mean)


def test_the_fast_path_equals_the_stacked_masks():
    generator = torch.Generator().manual_seed(0)
    tokens, texts = torch.randn(2, 9, 8, generator=generator), torch.randn(2, 5, 8, generator=generator)
    own = torch.tensor([[0, 3], [4, 4]])
    candidates = torch.rand(2, 2, 5, generator=generator) > 0.3
    game = MatchedProbValue(gain=20.0).game(tokens, texts, own, candidates)
    coalitions = torch.rand(2, 4, 9, generator=generator) > 0.5
    coalitions[..., 0] = True
    sampler = SampledShapley(16, seed=5)
    fast = sampler.estimate(game, coalitions, step=3)
    slow = sampler.estimate(lambda masks: game(masks), coalitions, step=3)
    assert fast.mean.abs().max() > 1e-3
    torch.testing.assert_close(fast.mean, slow.mean, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(fast.stderr, slow.stderr, atol=1e-6, rtol=1e-4)


def test_sampling_depends_on_seed_and_step_alone():
    coalitions = coalition(8, 0, 1)
    state = torch.get_rng_state()
    first = SampledShapley(8, seed=1).draw(coalitions, step=4)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert torch.equal(first, SampledShapley(8, seed=1).draw(coalitions, step=4))
    assert not torch.equal(first, SampledShapley(8, seed=1).draw(coalitions, step=5))
    assert not torch.equal(first, SampledShapley(8, seed=2).draw(coalitions, step=4))


@pytest.mark.parametrize('estimator', [ExactShapley(), SampledShapley(4)])
def test_bad_games_and_coalitions_are_refused(estimator):
    with pytest.raises(ValueError, match='without members'):
        estimator.estimate(unanimity, torch.tensor([[True, False], [False, False]]))
    with pytest.raises(ValueError, match='no booleans'):
        estimator.estimate(unanimity, torch.tensor([[0, 2]]))
    with pytest.raises(ValueError, match='NaN or infinite'):
        estimator.estimate(lambda masks: torch.full(masks.shape[:-1], math.nan), coalition(3, 0, 1))
    with pytest.raises(ValueError, match='value_fn gave'):
        estimator.estimate(lambda masks: masks[0, :1].float(), coalition(3, 0, 1))


def test_nan_features_are_told_on_the_fast_path():
    tokens = torch.full((4, 3), math.nan)
    game = MatchedProbValue().game(tokens, torch.randn(2, 3), torch.tensor([0]))
    with pytest.raises(ValueError, match='NaN or infinite'):
        SampledShapley(4).estimate(game, coalition(4, 0, 1))


def test_sizes_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match='17 players have 2\\^17 coalitions.*SampledShapley'):
        ExactShapley().estimate(unanimity, coalition(17, 0, 1))
    with pytest.raises(ValueError, match='num_samples 1'):
        SampledShapley(1)
    with pytest.raises(ValueError, match='num_samples 5 .* antithetic=True'):
        SampledShapley(5, antithetic=True)


def test_what_is_not_checked_stays_no_number():
    """On a GPU, where a look would be a wait, this is the default."""
    game = MatchedProbValue().game(torch.full((4, 3), math.nan), torch.randn(3, 3), torch.tensor([0]))
    for estimator in (SampledShapley(8, check=False), ExactShapley(check=False)):
        assert estimator.estimate(game, coalition(4, 0, 1)).mean.isnan().all()
        estimator.estimate(game, torch.zeros(1, 4, dtype=torch.bool))
