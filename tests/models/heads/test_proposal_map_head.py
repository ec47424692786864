import math

import pytest
import torch

from vlplugins.evaluation.functional.temporal import pairwise_temporal_iou
from vlplugins.models.heads import ProposalMapHead
from vlplugins.models.heads.proposal_map_head import SegmentMap, evidence_of
from vlplugins.models.layers.graph_levels import GraphLevels
from vlplugins.models.layers.proposal_map import position_overlap, proposal_bounds, proposal_iou, proposal_mask
from vlplugins.models.necks.cross_graph_correspondence import Comparison

P, K, DIM = 4, 2, 8
COUNTS, SIZES = dict(event=1, action=2, atom=3), dict(event=P * P, action=P, atom=P * K)


def make(**options):
    torch.manual_seed(0)
    return ProposalMapHead(DIM, conv_layers=1, kernel=3, **options).eval()


def inputs(seed=1, levels=('event', 'action', 'atom')):
    """Nodes, states and correspondences; the second query has one action and no atoms."""
    torch.manual_seed(seed)
    masks = dict(
        event=torch.ones(2, 1, dtype=torch.bool),
        action=torch.tensor([[True, True], [True, False]]),
        atom=torch.tensor([[True, True, True], [False, False, False]]),
    )
    query = GraphLevels({level: torch.randn(2, count, DIM) for level, count in COUNTS.items()}, {}, masks)
    video = GraphLevels(dict(event=torch.randn(2, P, P, DIM)), {}, dict(event=proposal_mask(P)))
    states = [{level: torch.randn(2, each[level], DIM) for level in levels} for each in (COUNTS, SIZES)]
    matrices = {}
    for level in levels:
        rows = torch.rand(2, COUNTS[level], SIZES[level]).softmax(dim=-1) * masks[level][..., None]
        if level == 'event':
            rows = rows * proposal_mask(P).flatten()
        matrices[level] = rows
    return query, video, Comparison(*states, {}, {}, {}, None, P), matrices


@torch.no_grad()
def test_statistics_equal_a_naive_loop():
    query, video, _, matrices = inputs()
    found = make()._statistics(matrices, query.masks, video.masks['event'])
    for b, counts in enumerate((dict(action=2, atom=3), dict(action=1, atom=0))):
        for i in range(P):
            for j in range(P):
                expected = [0.0] * 7
                if i <= j:
                    expected = [10 * float(matrices['event'][b, 0, i * P + j])]
                    for level, count in counts.items():
                        per = SIZES[level] // P
                        inside = [float(matrices[level][b, n, i * per : (j + 1) * per].sum()) for n in range(count)]
                        mean = sum(inside) / count if count else 0.0
                        expected += [mean, min(inside, default=0.0), mean * P / (j - i + 1)]
                assert found[b, i, j].tolist() == pytest.approx(expected, abs=1e-5)


@torch.no_grad()
def test_what_matches_nothing_is_no_evidence():
    query, video, _, matrices = inputs()
    nothing = {level: 1e-9 * each for level, each in matrices.items()}
    assert make()._statistics(nothing, query.masks, video.masks['event']).abs().max() < 1e-6


@torch.no_grad()
def test_map_before_convolutions_equals_a_naive_loop():
    query, video, comparison, matrices = inputs()
    head = make()
    head.convs = torch.nn.ModuleList()
    found = head(query, video, comparison, matrices)
    statistics = head._statistics(matrices, query.masks, video.masks['event'])
    for b in range(2):
        for i in range(P):
            for j in range(i, P):
                parts = [head.fuse['statistics'](head.statistics(statistics[b, i, j]))]
                parts.append(head.fuse['event'](video.reasoned['event'][b, i, j] * query.reasoned['event'][b, 0]))
                for level in ('action', 'atom'):
                    count, per = int(query.masks[level][b].sum()), SIZES[level] // P
                    message = torch.zeros(DIM)
                    scores = head.importance[level](query.reasoned[level][b, :count])[:, 0].softmax(dim=0)
                    for n in range(count):
                        for place in range(i * per, (j + 1) * per):
                            product = comparison.query[level][b, n] * comparison.video[level][b, place]
                            message = message + scores[n] * matrices[level][b, n, place] * product
                    parts.append(head.fuse[level](message))
                features = head.norm(sum(parts).relu())
                expected = head.predict_map(features[:, None, None])[:, 0, 0]
                torch.testing.assert_close(found.logits[b, i, j], expected[0], atol=1e-5, rtol=1e-5)
                torch.testing.assert_close(found.shifts[b, i, j], expected[1:], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_without_fusion_the_events_of_a_sentence_have_no_say_beyond_their_correspondence():
    query, video, comparison, matrices = inputs()
    head = make(event_fusion=False)
    before = head(query, video, comparison, matrices).logits
    video.reasoned['event'].add_(1)
    assert torch.equal(head(query, video, comparison, matrices).logits, before)
    fused = make()
    before = fused(query, video, comparison, matrices).logits
    video.reasoned['event'].add_(1)
    assert not torch.allclose(fused(query, video, comparison, matrices).logits, before)


@pytest.mark.parametrize('levels', [('event',), ('event', 'action'), ('event', 'action', 'atom')])
def test_levels_that_are_off_have_no_parameters_and_all_others_gradients(levels):
    head = make(levels=levels).train()
    found = head(*inputs(levels=levels))
    (found.logits * torch.randn(P, P) * found.mask).sum().backward(retain_graph=True)
    (found.shifts * found.mask[..., None]).sum().backward()
    assert [name for name, p in head.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert set(head.importance) == set(levels) - {'event'}


def test_evidence_sums_over_slots():
    matrix = torch.rand(2, 3, P * K)
    assert torch.allclose(evidence_of(matrix, P)[1, 2, 3], matrix[1, 2, 6] + matrix[1, 2, 7])


def test_overlaps_by_hand():
    truth = torch.tensor([[0.25, 0.625]])
    ious = proposal_iou(truth, P)[0]
    bounds = proposal_bounds(P)
    expected = pairwise_temporal_iou(bounds[proposal_mask(P)].numpy(), truth.numpy())[:, 0]
    assert ious[proposal_mask(P)].tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert position_overlap(truth, P).tolist() == [[0.0, 1.0, 0.5, 0.0]]


def test_losses_equal_a_naive_loop():
    torch.manual_seed(0)
    mask, bounds = proposal_mask(P), proposal_bounds(P)
    found = SegmentMap(torch.randn(2, P, P), torch.randn(2, P, P, 2), mask)
    # The second is shorter than half of any segment: its best one is trained all the same.
    truth = torch.tensor([[0.25, 0.70], [0.30, 0.35]])
    losses = make().loss(found, truth)
    scores, shifts = [], []
    for b in range(2):
        start, end = truth[b].tolist()
        ious = {
            (i, j): pairwise_temporal_iou(bounds[i, j][None].numpy(), truth[b : b + 1].numpy())[0, 0]
            for i in range(P)
            for j in range(i, P)
        }
        chosen = [pair for pair, iou in ious.items() if iou >= 0.5] or [max(ious, key=ious.get)]
        assert len(chosen) == (4, 1)[b]
        for (i, j), iou in ious.items():
            label, p = min(max((iou - 0.5) / 0.5, 0), 1), 1 / (1 + math.exp(-found.logits[b, i, j].item()))
            scores.append(-label * math.log(p) - (1 - label) * math.log(1 - p))
        for i, j in chosen:
            for number, target in enumerate((start - i / P, end - (j + 1) / P)):
                gap = abs(found.shifts[b, i, j, number].item() - target)
                shifts.append(0.5 * gap**2 / 0.1 if gap < 0.1 else gap - 0.05)
    assert losses['loss_map'].item() == pytest.approx(sum(scores) / len(scores), rel=1e-5)
    assert losses['loss_reg'].item() == pytest.approx(0.5 * sum(shifts) / len(shifts), rel=1e-5)


def naive_decode(head, scores, shifts, mask, duration):
    bounds = proposal_bounds(P)
    found = []
    for i in range(P):
        for j in range(P):
            if mask[i, j]:
                segment = (bounds[i, j] + shifts[i, j]).clamp(0, 1)
                found.append((scores[i, j].item(), segment if segment[1] > segment[0] else bounds[i, j]))
    found.sort(key=lambda each: -each[0])
    kept = []
    for score, segment in found:
        if all(pairwise_temporal_iou(segment[None].numpy(), other[None].numpy()) <= 0.5 for _, other in kept):
            kept.append((score, segment))
    return [(score, (segment * duration).tolist()) for score, segment in kept[: head.topk]]


@pytest.mark.parametrize('topk', [1, 3, 50])
def test_one_suppression_for_the_batch_equals_one_for_each_sample(topk):
    torch.manual_seed(0)
    head, mask = make(topk=topk), proposal_mask(P)
    logits, shifts = torch.randn(5, P, P), 0.2 * torch.randn(5, P, P, 2)
    # What is no segment has the highest score, and a shifted end that lies before its start keeps its bounds.
    logits[:, ~mask] = 50
    shifts[0, 0, 0] = torch.tensor([0.3, -0.2])
    logits[0, 0, 0] = 40
    durations = [10.0, 7.5, 120.0, 3.0, 1.0]
    for b, found in enumerate(head.predict(SegmentMap(logits, shifts, mask), durations)):
        expected = naive_decode(head, logits[b].sigmoid(), shifts[b], mask, durations[b])
        assert found.scores.tolist() == pytest.approx([score for score, _ in expected], abs=1e-6)
        torch.testing.assert_close(found.segments, torch.tensor([each for _, each in expected]), atol=1e-4, rtol=1e-4)
        assert 1 <= len(found) <= min(topk, 10)
        assert (found.segments >= 0).all() and (found.segments <= durations[b]).all()
    assert head.predict(SegmentMap(logits, shifts, mask), durations)[0].segments[0].tolist() == [0.0, 2.5]


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match='leave nothing for a map'):
        make(levels=(), event_fusion=False)
    with pytest.raises(ValueError, match='topk 0'):
        make(topk=0)
