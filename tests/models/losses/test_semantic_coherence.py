import pytest
import torch

from vlplugins.evaluation.functional.entailment import area_under_curve
from vlplugins.models.layers.inference_states import Premise
from vlplugins.models.losses import PairCoherenceLoss, ReplacedSegmentLoss, SegmentAlignmentLoss
from vlplugins.models.necks import SegmentRelationGraph


def masks(*lengths, size=6):
    return torch.arange(size) < torch.tensor(lengths)[:, None]


@pytest.mark.parametrize('prob', [0.01, 0.3, 0.99])
def test_at_least_one_and_never_all_are_replaced(prob):
    loss, mask = ReplacedSegmentLoss(4, prob), masks(6, 2, 3, 4)
    counts = torch.stack([loss.corrupt(mask).replaced.sum(dim=1) for _ in range(200)])
    assert (counts >= 1).all() and (counts <= mask.sum(dim=1) - 1).all()
    if prob == 0.3:
        assert 1.4 < counts[:, 0].float().mean() < 2.3


def test_donors_are_of_the_next_clip_and_their_number():
    mask = masks(6, 2, 3)
    found = ReplacedSegmentLoss(4).corrupt(mask)
    assert found.clip.tolist() == [[1] * 6, [2] * 6, [0] * 6]
    assert found.segment[0].tolist() == [0, 1] * 3 and found.segment[1, :2].tolist() == [0, 1]
    assert torch.equal(found.target, found.replaced.float()) and torch.equal(found.counted, mask)


def test_both_modalities_come_from_one_donor_without_gradient():
    mask = masks(4, 4, size=4)
    found = ReplacedSegmentLoss(4).corrupt(mask)
    video, text = (torch.randn(2, 4, 3, requires_grad=True) for _ in range(2))
    for states in (video, text):
        changed = found.apply(states)
        for clip in range(2):
            for place in range(4):
                donor = states[1 - clip, place] if found.replaced[clip, place] else states[clip, place]
                assert torch.equal(changed[clip, place], donor)
        (gradient,) = torch.autograd.grad(changed.sum(), states)
        # A donor has the gradient of its own place alone, what is replaced none.
        assert torch.equal(gradient, (~found.replaced)[..., None].float().expand_as(gradient))


def test_a_batch_of_one_clip_takes_its_own_other_segments():
    for _ in range(30):
        found = ReplacedSegmentLoss(4).corrupt(masks(5))
        assert (found.clip == 0).all() and (found.segment[0, :5] < 5).all()
        assert (found.segment[0, :5] != torch.arange(5)).all()


def test_a_clip_that_is_in_the_batch_twice_does_not_replace_itself():
    # Two pairs of clip 7: its segments, called foreign, would be its own.
    found = ReplacedSegmentLoss(4).corrupt(masks(3, 3, 2), clip_ids=torch.tensor([7, 7, 9]))
    assert found.clip[:, 0].tolist() == [2, 2, 0] and found.segment[0, :3].tolist() == [0, 1, 0]
    assert ReplacedSegmentLoss(4).corrupt(masks(3, 2), clip_ids=torch.tensor([7, 9])).clip[:, 0].tolist() == [1, 0]
    alone = ReplacedSegmentLoss(4).corrupt(masks(3, 3), clip_ids=torch.tensor([7, 7]))
    assert (alone.segment[:, :3] != torch.arange(3)).all() and (alone.segment[:, :3] < 3).all()


def test_clips_of_one_segment_are_left_out():
    loss, mask = ReplacedSegmentLoss(4), masks(1, 4)
    found = loss.corrupt(mask)
    assert not found.replaced[0].any() and not found.counted[0].any()
    assert loss(torch.randn(1, 6, 4), masks(1), loss.corrupt(masks(1))) == 0


def test_loss_is_the_mean_over_real_segments():
    loss, mask = ReplacedSegmentLoss(4, loss_weight=0.5), masks(2, 3)
    states, found = torch.randn(2, 6, 4), loss.corrupt(mask)
    logits = loss.logits(states, mask)
    terms = []
    for clip in range(2):
        for place in range(6):
            if mask[clip, place]:
                probability = logits[clip, place].sigmoid()
                terms.append(-(probability if found.replaced[clip, place] else 1 - probability).log())
    assert torch.isclose(loss(states, mask, found), 0.5 * sum(terms) / 5, atol=1e-6)


def test_order_is_judged_for_whole_clips():
    loss, mask = ReplacedSegmentLoss(4, mode='order'), masks(1, 2, 6)
    shuffled = 0
    for _ in range(100):
        found = loss.corrupt(mask)
        assert found.target.shape == (3,) and found.counted.tolist() == [False, True, True]
        states = torch.arange(18.0).view(3, 6, 1)
        changed = found.apply(states)
        assert torch.equal(changed.sort(dim=1).values, states)
        moved = ((changed != states).any(dim=2) & mask).any(dim=1)
        assert torch.equal(moved, found.target.bool())
        shuffled += found.target[2]
    assert 30 < shuffled < 70
    assert loss(torch.randn(3, 6, 4), mask, found).isfinite()


def test_hinge_of_pairs():
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([0.5, 0.5])
    assert PairCoherenceLoss(1.0, 0.5)(real, fake) == pytest.approx(0.5 * (0 + 1.5) / 2)


def test_segments_that_say_the_same_are_no_negatives():
    torch.manual_seed(0)
    loss = SegmentAlignmentLoss(4, 3, temperature=0.1)
    first, second = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    mask = torch.tensor([[True, True, True], [True, True, False]])
    text = torch.tensor([[7, 7, 8], [7, 9, 0]])[..., None]
    found = loss(first, second, mask, text, torch.tensor([5, 5]))
    rows = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    u, w = (torch.nn.functional.normalize(part, dim=-1) for part in (loss.first(first), loss.second(second)))
    terms = []
    for a, b in ((u, w), (w, u)):
        for i in rows:
            others = [j for j in rows if i == j or text[i] != text[j]]
            scores = torch.stack([a[i] @ b[j] / 0.1 for j in others])
            terms.append(scores.logsumexp(0) - a[i] @ b[i] / 0.1)
    assert torch.isclose(found, sum(terms) / len(terms), atol=1e-5)
    # Those of other clips are.
    assert not torch.isclose(found, loss(first, second, mask, text, torch.tensor([5, 6])), atol=1e-4)


def test_foreign_segments_are_learned_from_what_a_clip_has_in_common():
    """Every clip has one of six scenes; of four segments one is replaced. With luck alone the area is a half."""
    torch.manual_seed(0)
    loss = ReplacedSegmentLoss(16, prob=0.01, loss_weight=1.0)
    graph = SegmentRelationGraph(16, 2, layers=2, dropout=0.0)
    scenes, mask = 2 * torch.randn(6, 16), torch.ones(32, 4, dtype=torch.bool)
    edges = torch.linspace(0, 1, 5)
    times = torch.stack([edges[:-1], edges[1:]], dim=1).expand(32, -1, -1)
    nothing = torch.zeros(32, 4, 0)
    premise = Premise(nothing, nothing.bool(), nothing, nothing.bool(), mask, mask, mask, times)
    optimizer = torch.optim.Adam([*loss.parameters(), *graph.parameters()], lr=2e-3)
    areas = []
    for _ in range(100):
        shown = scenes[torch.randint(6, (32, 1))].expand(-1, 4, -1)
        corruption = loss.corrupt(mask)
        video, text = (corruption.apply(shown + 0.5 * torch.randn(32, 4, 16)) for _ in range(2))
        nodes = graph(video, text, premise, torch.zeros(32, 16), torch.arange(32)).nodes
        states = nodes.unflatten(1, (2, 4)).mean(dim=1)
        value = loss(states, mask, corruption)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        scores = loss.logits(states, mask).detach().flatten().numpy()
        areas.append(area_under_curve(scores, corruption.replaced.flatten().numpy()))
    assert sum(areas[-20:]) / 20 > 0.8
