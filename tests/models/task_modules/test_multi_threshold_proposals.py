import pytest
import torch

from vlplugins.models.task_modules import MultiThresholdProposalGenerator

TIMES = torch.tensor([[2.0 * line, 2.0 * line + 1] for line in range(8)])


def make(**options):
    return MultiThresholdProposalGenerator(**dict(dict(nms_thr=None), **options))


def naive(scores, clip_scores, times, classes, thresholds):
    """Runs by a plain loop: ``{(class, first, last): score}``."""
    found = {}
    for label in classes:
        column = scores[:, label].tolist()
        low, high = min(column), max(column)
        for q in thresholds:
            above = [high - low < 1e-6 or value >= low + (high - low) * q for value in column]
            first = None
            for line in range(len(column) + 1):
                if line < len(column) and above[line]:
                    first = line if first is None else first
                elif first is not None:
                    last, reach = line - 1, max(1, (line - first) // 4)
                    sides = column[max(first - reach, 0) : first] + column[line : line + reach]
                    outer = sum(sides) / len(sides) if sides else 0.0
                    inner = sum(column[first:line]) / (line - first)
                    found[(label, first, last)] = 0.5 * clip_scores[label].item() + 0.5 * (inner - outer)
                    first = None
    return found


@pytest.mark.parametrize('seed', range(5))
def test_proposals_equal_a_plain_loop(seed):
    torch.manual_seed(seed)
    scores, clip_scores = torch.rand(8, 3), torch.tensor([0.5, 0.01, 0.9])
    generator = make()
    found = generator(scores, clip_scores, TIMES)
    expected = naive(scores, clip_scores, TIMES, (0, 2), generator.thresholds)
    keys = [(int(c), *map(int, lines)) for c, lines in zip(found.labels, found.lines)]
    assert sorted(keys) == sorted(expected)
    assert found.scores.tolist() == pytest.approx([expected[key] for key in keys], abs=1e-6)
    assert (found.scores.diff() <= 0).all()
    torch.testing.assert_close(found.segments[:, 0], TIMES[found.lines[:, 0], 0])


def test_a_run_over_the_whole_clip_has_no_outside_and_one_at_its_edge_one_side():
    scores = torch.tensor([[0.8], [0.8], [0.8], [0.8], [0.2], [0.2], [0.2], [0.2]])
    found = make()(scores, torch.tensor([0.5]), TIMES)
    assert found.lines.tolist() == [[0, 3]]
    assert found.scores.item() == pytest.approx(0.25 + 0.5 * (0.8 - 0.2))
    flat = make()(torch.full((8, 1), 0.6), torch.tensor([0.5]), TIMES)
    assert flat.lines.tolist() == [[0, 7]] and flat.scores.item() == pytest.approx(0.25 + 0.5 * 0.6)
    assert flat.segments.tolist() == [[0, 15]]


def test_two_classes_on_one_run_are_both_kept_and_near_ones_of_a_class_thinned_out():
    column = torch.tensor([0.1, 0.2, 0.9, 0.95, 0.9, 0.2, 0.1, 0.1])
    generator = MultiThresholdProposalGenerator(nms_thr=0.5)
    found = generator(column[:, None].repeat(1, 2), torch.tensor([0.5, 0.5]), TIMES)
    assert sorted(found.labels.tolist()).count(0) == sorted(found.labels.tolist()).count(1) >= 1
    everything = make()(column[:, None], torch.tensor([0.5]), TIMES)
    assert len(everything.labels) > (found.labels == 0).sum()


def test_suppression_is_by_seconds_not_by_lines():
    """Runs of 3 and of 5 lines overlap by 3 of 5 lines, but hardly in seconds where the two others are long."""
    times = torch.tensor([[0.0, 50.0], [50.0, 51.0], [51.0, 52.0], [52.0, 53.0], [53.0, 103.0]])
    scores = torch.tensor([[0.4], [0.9], [0.9], [0.9], [0.4]])
    generator = MultiThresholdProposalGenerator(thresholds=(0.0, 0.5), nms_thr=0.5)
    assert len(generator(scores, torch.tensor([0.5]), times).labels) == 2
    even = torch.tensor([[float(line), line + 1.0] for line in range(5)])
    assert len(generator(scores, torch.tensor([0.5]), even).labels) == 1


def test_repeated_times_give_earliest_start_and_latest_end():
    times = torch.tensor([[0.0, 1.0], [4.0, 9.0], [4.0, 9.0], [5.0, 6.0]])
    scores = torch.tensor([[0.0], [1.0], [1.0], [1.0]])
    found = make(thresholds=(0.5,))(scores, torch.tensor([0.5]), times)
    assert found.segments.tolist() == [[4, 9]]


def test_classes_are_chosen_by_score_by_the_best_or_by_the_given_labels():
    scores, clip_scores = torch.rand(8, 3), torch.tensor([0.001, 0.002, 0.0005])
    assert set(make()(scores, clip_scores, TIMES).labels.tolist()) == {1}
    assert len(make(keep_top1=False)(scores, clip_scores, TIMES).labels) == 0
    given = make()(scores, clip_scores, TIMES, torch.tensor([1.0, 0.0, 1.0]))
    assert set(given.labels.tolist()) == {0, 2}


def test_silence_ends_a_run_only_where_asked():
    times = TIMES.clone()
    times[4:] += 20
    scores = torch.ones(8, 1) - 1e-3 * torch.arange(8)[:, None]
    assert [0, 7] in make(thresholds=(0.0,))(scores, torch.tensor([0.5]), times).lines.tolist()
    cut = make(thresholds=(0.0,), max_gap=5.0)(scores, torch.tensor([0.5]), times)
    assert sorted(cut.lines.tolist()) == [[0, 3], [4, 7]]


def test_proposals_are_limited_and_thresholds_checked():
    torch.manual_seed(0)
    found = make(max_per_clip=5)(torch.rand(8, 3), torch.rand(3), TIMES)
    assert len(found.scores) == 5
    with pytest.raises(ValueError, match='thresholds'):
        make(thresholds=(1.5,))
