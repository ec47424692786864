import math

import pytest
import torch

from vlplugins.models.layers.inference_states import Premise, Statement
from vlplugins.models.necks import LocalInteractionGraph, SegmentRelationGraph, StatementReasoningGraph
from vlplugins.models.necks.adaptive_hierarchical_graph import (
    SegmentStates,
    _local_roles,
    _segment_roles,
    read_statement,
)
from vlplugins.structures.statement_graph import NUM_STATEMENT_ROLES, STATEMENT_ROLES

K, F, W, D = 4, 2, 3, 8
CPU = torch.device('cpu')


def premise(size=2):
    torch.manual_seed(0)
    full = [torch.ones(size, K, count, dtype=torch.bool) for count in (F, W)]
    full[1][0, 1] = False
    mask = torch.ones(size, K, dtype=torch.bool)
    edges = torch.linspace(0, 1, K + 1)
    times = torch.stack([edges[:-1], edges[1:]], dim=1).expand(size, -1, -1)
    frames, words = torch.randn(size, K, F, D), torch.randn(size, K, W, D)
    return Premise(frames, full[0], words, full[1], mask, mask, mask, times)


def statement(kind='BEFORE', size=2):
    torch.manual_seed(1)
    roles = torch.zeros(size, NUM_STATEMENT_ROLES, 3, 3, dtype=torch.bool)
    roles[:, STATEMENT_ROLES.index('SELF')] = torch.eye(3, dtype=torch.bool)
    other = dict(BEFORE='AFTER', AFTER='BEFORE')[kind]
    roles[:, STATEMENT_ROLES.index(kind), 1, 2] = roles[:, STATEMENT_ROLES.index(other), 2, 1] = True
    mask = torch.ones(size, 2, dtype=torch.bool)
    memory_mask = torch.ones(size, 5, dtype=torch.bool)
    memory_mask[:, 3:] = False
    return Statement(torch.randn(size, D), torch.randn(size, 2, D), mask, mask.nonzero(), torch.randn(size, 5, D),
                     memory_mask, roles)  # fmt: skip


def test_edges_inside_a_segment():
    roles = _local_roles(F, W, True, CPU)
    assert roles.shape == (1, 4, 5, 5) and (roles.sum(dim=1) == 1).all()
    assert roles[0, :, 0, 1].tolist() == [True, False, False, False]
    assert roles[0, :, 0, 4].tolist() == [False, False, True, False]
    assert roles[0, :, 4, 0].tolist() == [False, False, False, True]
    assert not _local_roles(F, W, False, CPU)[0, 2:].any()


def test_edges_along_a_clip():
    roles = _segment_roles(K, CPU)
    assert roles.shape == (1, 15, 2 * K, 2 * K) and (roles.sum(dim=1) == 1).all()
    for i in range(2 * K):
        for j in range(2 * K):
            ahead = j % K - i % K
            kind = {0: 0, 1: 1, -1: 2}.get(ahead, 3 if ahead > 0 else 4)
            block = 0 if (i < K) == (j < K) else 5 if i < K else 10
            assert roles[0, block + kind, i, j]


def test_nodes_read_what_is_claimed():
    nodes, found = torch.randn(2, 3, D), statement()
    read = read_statement(nodes, found)
    for n in range(2):
        for i in range(3):
            scores = [math.exp(float(nodes[n, i] @ found.memory[n, j]) / math.sqrt(D)) for j in range(3)]
            expected = sum(score / sum(scores) * found.memory[n, j] for j, score in enumerate(scores))
            torch.testing.assert_close(read[n, i], expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_segments_are_independent_and_silence_is_a_vector():
    graph, clips, claims = LocalInteractionGraph(D, 2, dropout=0.0).eval(), premise(), statement()
    video, text = graph(clips, claims)
    assert torch.equal(text[0, 1], graph.silent)
    for segment in range(K):
        one = Premise(*(each[:, segment : segment + 1] for each in clips))
        for whole, part in zip((video, text), graph(one, claims)):
            torch.testing.assert_close(whole[:, segment], part[:, 0])


@pytest.mark.parametrize('cross_modal', [True, False])
@torch.no_grad()
def test_runs_of_frames_and_words_are_told_rightly(cross_modal, monkeypatch):
    graph, clips, claims = LocalInteractionGraph(D, 2, dropout=0.0).eval(), premise(), statement()
    layer = graph.layers[0]
    layer.role_embed.normal_()
    by_runs, forward = graph(clips, claims, cross_modal), layer.forward
    monkeypatch.setattr(layer, 'forward', lambda *args, blocks: forward(*args))
    for one, other in zip(by_runs, graph(clips, claims, cross_modal)):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_without_layers_there_are_means():
    graph, clips = LocalInteractionGraph(D, 2, layers=0), premise()
    video, text = graph(clips, statement())
    torch.testing.assert_close(video, clips.frames.mean(dim=2))
    torch.testing.assert_close(text[1], clips.words[1].mean(dim=1))


def run(graph, clips, claims):
    torch.manual_seed(3)
    video, text = torch.randn(2, K, D), torch.randn(2, K, D)
    rows = claims.rows
    return graph(video, text, clips, claims.events[rows[:, 0], rows[:, 1]], rows[:, 0])


@torch.no_grad()
def test_evidence_is_where_and_when():
    found = run(SegmentRelationGraph(D, 2).eval(), premise(), statement())
    assert found.nodes.shape == (4, 2 * K, D) and found.evidence.shape == (4, 2 * K)
    torch.testing.assert_close(found.evidence.sum(dim=1), torch.ones(4))
    torch.testing.assert_close(found.seen, (found.evidence[..., None] * found.nodes).sum(dim=1))
    middles = [-0.75, -0.25, 0.25, 0.75] * 2
    mean = sum(found.evidence[:, i] * middles[i] for i in range(2 * K))
    variance = sum(found.evidence[:, i] * (middles[i] - mean) ** 2 for i in range(2 * K))
    torch.testing.assert_close(found.place, torch.stack([mean, variance], dim=1))


@torch.no_grad()
def test_segments_know_their_time_and_events_choose_among_them():
    graph, clips, claims = SegmentRelationGraph(D, 2, layers=0).eval(), premise(), statement()
    graph.places.normal_()
    found = run(graph, clips, claims)
    torch.manual_seed(3)
    video, text = torch.randn(2, K, D), torch.randn(2, K, D)
    # The middles are 1/8, 3/8, 5/8 and 7/8 of the clip, of 24 places.
    expected = torch.cat([states + graph.places[[3, 9, 15, 21]] for states in (video, text)], dim=1)
    for row, (clip, event) in enumerate(claims.rows.tolist()):
        torch.testing.assert_close(found.nodes[row], expected[clip])
        query = graph.query(claims.events[clip, event])
        scores = [math.exp(float(query @ graph.key(node)) / math.sqrt(D)) for node in expected[clip]]
        torch.testing.assert_close(found.evidence[row], torch.tensor(scores) / sum(scores), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_untrained_events_look_for_what_is_like_them():
    graph = SegmentRelationGraph(D, 2, layers=0).eval()
    torch.manual_seed(3)
    # Of the same length, as normalised states are.
    video, text = (torch.nn.functional.normalize(torch.randn(2, K, D), dim=2) for _ in range(2))
    for states, first in ((video, 0), (text, K)):
        for place in range(K):
            found = graph(video, text, premise(), 2 * states[:, place], torch.arange(2))
            assert found.evidence.argmax(dim=1).tolist() == [first + place] * 2


@torch.no_grad()
def test_a_missing_modality_is_never_evidence():
    clips = premise()
    clips = clips._replace(has_text=torch.zeros_like(clips.has_text))
    found = run(SegmentRelationGraph(D, 2).eval(), clips, statement())
    assert (found.evidence[:, K:] == 0).all()
    nothing = clips._replace(has_video=clips.has_text)
    found = run(SegmentRelationGraph(D, 2).eval(), nothing, statement())
    assert (found.evidence == 0).all() and found.seen.isfinite().all()


@torch.no_grad()
def test_without_evidence_all_segments_count_alike():
    graph = SegmentRelationGraph(D, 2, adaptive=False, evidence=False).eval()
    found = run(graph, premise(), statement())
    torch.testing.assert_close(found.evidence, torch.full((4, 2 * K), 1 / (2 * K)))
    assert torch.equal(found.seen[0], found.seen[1])


def states(first, second):
    torch.manual_seed(4)
    place = torch.tensor([[first, 0.1], [second, 0.1]]).repeat(2, 1)
    return SegmentStates(torch.zeros(4, 1, D), torch.ones(4, 1), torch.randn(4, D), place)


@torch.no_grad()
def test_time_between_events_times_their_connective():
    graph, claims = StatementReasoningGraph(D, 2).eval(), statement()
    found = graph._temporal(torch.tensor([[-0.5, 0.3]] * 2), claims.roles[:, :, 1:, 1:], claims.event_mask)
    for i, kind in ((0, 'BEFORE'), (1, 'AFTER')):
        ahead = 0.8 if i == 0 else -0.8
        distance = graph.distance(torch.tensor([ahead, abs(ahead)]))
        expected = graph.temporal(graph.edge_kinds[STATEMENT_ROLES.index(kind)] * distance)
        torch.testing.assert_close(found[0, i], expected)


@pytest.mark.parametrize('temporal_edges', [True, False])
@torch.no_grad()
def test_the_connective_matters_to_unlinked_events_only_with_edges_that_know_of_time(temporal_edges):
    graph = StatementReasoningGraph(D, 2, layers=0, temporal_edges=temporal_edges).eval()
    one = graph(statement('BEFORE'), states(-0.5, 0.3))
    other = graph(statement('AFTER'), states(-0.5, 0.3))
    assert torch.equal(one, other) is not temporal_edges


@torch.no_grad()
def test_an_event_is_what_it_claims_beside_what_it_saw_and_when():
    graph, claims, seen = StatementReasoningGraph(D, 2, layers=0).eval(), statement(), states(-0.5, 0.3)
    found = graph(claims, seen)
    time = graph._temporal(torch.tensor([[-0.5, 0.3]] * 2), claims.roles[:, :, 1:, 1:], claims.event_mask)
    for row, (n, m) in enumerate(claims.rows.tolist()):
        e, z, place = claims.events[n, m], seen.seen[row], seen.place[row]
        expected = graph.compare(torch.cat([e, z, e * z, (e - z).abs(), place])) + graph.place(place) + time[n, m]
        torch.testing.assert_close(found[n, 1 + m], expected)
    torch.testing.assert_close(found[:, 0], graph.root(claims.whole))


@torch.no_grad()
def test_padding_stays_zero():
    claims = statement()
    mask = torch.tensor([[True, True], [True, False]])
    claims = claims._replace(event_mask=mask, rows=mask.nonzero())
    found = states(0.1, 0.2)
    found = SegmentStates(*(each[:3] for each in found))
    nodes = StatementReasoningGraph(D, 2).eval()(claims, found)
    assert nodes.shape == (2, 3, D) and (nodes[1, 2] == 0).all() and (nodes[0, 2] != 0).any()
