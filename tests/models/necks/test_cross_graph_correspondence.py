import math

import pytest
import torch

from vlplugins.models.layers.graph_levels import GraphLevels
from vlplugins.models.layers.proposal_map import proposal_mask
from vlplugins.models.necks import VariationalCrossGraphCorrespondence

P, K, A, ATOMS, DIM = 4, 2, 2, 3, 8
LEVELS = ('event', 'action', 'atom')


def make(seed=0, **options):
    torch.manual_seed(seed)
    neck = VariationalCrossGraphCorrespondence(DIM, match_dim=6, **options)
    for matching in neck.matching.values():
        for net in (matching.prior_net, matching.posterior_net):
            if net is not None:
                torch.nn.init.normal_(net[-1].weight)
    return neck


def graphs(seed=1):
    """Two queries, the second with one action and two atoms; and two videos."""
    torch.manual_seed(seed)
    masks = dict(
        event=torch.ones(2, 1, dtype=torch.bool),
        action=torch.tensor([[True, True], [True, False]]),
        atom=torch.tensor([[True, True, True], [True, True, False]]),
    )
    counts = dict(event=1, action=A, atom=ATOMS)
    states = [{level: torch.randn(2, counts[level], DIM) for level in LEVELS} for _ in range(2)]
    query = GraphLevels(*states, masks)
    shapes = dict(event=(P, P), action=(P,), atom=(P, K))
    states = [{level: torch.randn(2, *shapes[level], DIM) for level in LEVELS} for _ in range(2)]
    video = GraphLevels(*states, dict(event=proposal_mask(P)))
    # The third atom of the first query has no action.
    parents = torch.tensor([[[1.0, 0.0], [0.5, 0.5], [0.0, 0.0]], [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]])
    return query, video, parents


def naive_row(logits):
    """Softmax with a further logit of 0, without that entry."""
    total = 1 + sum(math.exp(each) for each in logits)
    return [math.exp(each) / total for each in logits]


@torch.no_grad()
def test_means_of_the_prior_equal_a_naive_loop():
    neck, (query, video, parents) = make().eval(), graphs()
    found = neck(neck.compare(query, video, parents)).matrices
    weight = math.log(1 + math.exp(float(neck.matching['action'].structure)))

    def base(level, b, i, state):
        matching, nodes = neck.matching[level], query.reasoned if level == 'event' else query.context_free
        pairs = matching.pair(nodes[level][b, i][None, None], state[None, None])
        return float(matching.prior(pairs, None)[0])

    for b, (actions, atoms) in enumerate(((2, 3), (1, 2))):
        segments = [(i, j) for i in range(P) for j in range(i, P)]
        event = dict(
            zip(segments, naive_row([base('event', b, 0, video.reasoned['event'][b, i, j]) for i, j in segments]))
        )
        for i in range(P):
            for j in range(P):
                assert math.isclose(found['event'][b, 0, i * P + j], event.get((i, j), 0.0), abs_tol=1e-5)
        cover = [sum(mass for (i, j), mass in event.items() if i <= t <= j) for t in range(P)]
        rows = []
        for i in range(actions):
            logits = [
                base('action', b, i, video.context_free['action'][b, t]) + weight * math.log(1e-4 + cover[t])
                for t in range(P)
            ]
            rows.append(naive_row(logits))
            assert torch.allclose(found['action'][b, i], torch.tensor(rows[-1]), atol=1e-5)
        for i in range(atoms):
            shares = parents[b, i].tolist()
            logits = []
            for t in range(P):
                mass = sum(share * row[t] for share, row in zip(shares, rows)) if any(shares) else cover[t]
                logits += [
                    base('atom', b, i, video.context_free['atom'][b, t, k]) + weight * math.log(1e-4 + mass)
                    for k in range(K)
                ]
            assert torch.allclose(found['atom'][b, i], torch.tensor(naive_row(logits)), atol=1e-5)
    assert not found['action'][1, 1].any() and not found['atom'][1, 2].any()


@torch.no_grad()
def test_a_node_may_match_nothing():
    neck, (query, video, parents) = make().eval(), graphs()
    comparison = neck.compare(query, video, parents)
    for level, size in dict(event=P * P, action=P, atom=P * K).items():
        rows = neck(comparison).matrices[level]
        assert rows.shape[-1] == size and (rows.sum(dim=-1) < 1).all()
    far = {level: (torch.full_like(mean, -20.0), logvar) for level, (mean, logvar) in comparison.prior.items()}
    rows = neck(comparison._replace(prior=far)).matrices
    assert all(each.sum() < 1e-6 for each in rows.values())
    bound = make(null_node=False).eval()
    rows = bound(bound.compare(query, video, parents)).matrices['action']
    torch.testing.assert_close(rows.sum(dim=-1), query.masks['action'].float())


@torch.no_grad()
def test_prior_and_posterior_of_a_fine_level_see_the_coarse_sample_of_the_posterior():
    neck, (query, video, parents) = make(logvar_range=(-6.0, 2.0)).train(), graphs()
    comparison = neck.compare(query, video, parents)
    matching, chosen = neck.matching['event'], 1 * P + 2
    real_posterior = matching.posterior

    def one_hot(pairs, coarser, overlap):
        mean, logvar = real_posterior(pairs, coarser, overlap)
        mean = torch.full_like(mean, -50.0)
        mean[..., chosen] = 50.0
        return mean, torch.full_like(logvar, -6.0)

    matching.posterior = one_hot
    overlaps = dict(event=torch.rand(2, P * P), action=torch.rand(2, P), atom=torch.rand(2, P * K))
    chain = neck(comparison, overlaps)
    covered = torch.log(1e-4 + torch.tensor([0.0, 1.0, 1.0, 0.0]))
    action = neck.matching['action']
    for found, expected in (
        (chain.prior['action'], action.add_coarser(comparison.prior['action'], covered)),
        (chain.posterior['action'], action.posterior(comparison.pairs['action'], covered, overlaps['action'])),
    ):
        torch.testing.assert_close(found[0], expected[0].expand_as(found[0]), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('structured', [True, False])
@torch.no_grad()
def test_coarse_mass_moves_fine_rows_only_where_levels_see_each_other(structured):
    neck, (query, video, parents) = make(structured=structured).eval(), graphs()
    comparison = neck.compare(query, video, parents)
    mean, logvar = comparison.prior['event']
    moved = mean.clone()
    moved[..., 0] += 5
    before = neck(comparison).matrices
    after = neck(comparison._replace(prior={**comparison.prior, 'event': (moved, logvar)})).matrices
    for level in ('action', 'atom'):
        assert torch.equal(before[level], after[level]) != structured


def test_gradients_flow_from_fine_to_coarse():
    neck, (query, video, parents) = make().eval(), graphs()
    chain = neck(neck.compare(query, video, parents))
    chain.matrices['atom'][:, :, 0].sum().backward()
    for level in LEVELS:
        assert neck.matching[level].query.weight.grad.any()
    assert neck.matching['action'].structure.grad != 0 and neck.matching['atom'].structure.grad != 0


@torch.no_grad()
def test_samples_in_training_means_in_evaluation():
    neck, (query, video, parents) = make(), graphs()
    comparison = neck.compare(query, video, parents)
    one, two = (neck.train()(comparison).matrices['action'] for _ in range(2))
    assert not torch.equal(one, two)
    one, two = (neck.eval()(comparison).matrices['action'] for _ in range(2))
    assert torch.equal(one, two)
    drawn = [neck(comparison, generator=torch.Generator().manual_seed(s)).matrices['action'] for s in (0, 0, 1)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2]) and not torch.equal(drawn[0], one)


@torch.no_grad()
def test_without_variances_there_is_one_answer_and_no_posterior():
    neck, (query, video, parents) = make(variational=False).train(), graphs()
    comparison = neck.compare(query, video, parents)
    assert torch.equal(neck(comparison).matrices['atom'], neck(comparison).matrices['atom'])
    with pytest.raises(ValueError, match='no posterior'):
        neck(comparison, dict(event=torch.rand(2, P * P)))


@torch.no_grad()
def test_states_that_are_matched_are_a_choice():
    query, video, parents = graphs()
    for states, part in (('context_free', 'context_free'), ('graph', 'reasoned')):
        comparison = make(match_states=states).compare(query, video, parents)
        assert torch.equal(comparison.query['action'], getattr(query, part)['action'])
        assert torch.equal(comparison.video['atom'], getattr(video, part)['atom'].flatten(1, 2))
        assert torch.equal(comparison.query['event'], query.reasoned['event'])


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(levels=()), 'expected one or more of'),
        (dict(levels=('event', 'word')), 'expected one or more of'),
        (dict(levels=('action', 'atom')), "lack 'event', which structured=True needs"),
        (dict(match_states='lstm'), "match_states 'lstm' is unknown"),
        (dict(temperature=0.0), 'temperature 0.0 must be above 0'),
    ],
)
def test_wrong_arguments_are_told(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def test_actions_alone_without_structure():
    neck, (query, video, parents) = make(levels=('action',), structured=False).eval(), graphs()
    assert set(neck(neck.compare(query, video, parents)).matrices) == {'action'}
