import itertools

import pytest
import torch

from vlplugins.models.task_modules.alignment_game import AlignmentValue, max_game_values, pair_coalitions
from vlplugins.models.task_modules.shapley import ExactShapley
from vlplugins.registry import TASK_UTILS


def test_alignment_equals_the_loop():
    rows, columns = torch.rand(3, 2), torch.rand(3, 2)
    game = AlignmentValue().game(rows, columns, torch.ones(3) > 0, torch.ones(2) > 0)
    masks = torch.tensor([[i >> player & 1 == 1 for player in range(5)] for i in range(32)])
    for mask, found in zip(masks.tolist(), game(masks).tolist()):
        regions, phrases = [i for i in range(3) if mask[i]], [j for j in range(2) if mask[3 + j]]
        first = sum(max((rows[i, j].item() for j in phrases), default=0) for i in regions) / 3
        second = sum(max((columns[i, j].item() for i in regions), default=0) for j in phrases) / 2
        assert found == pytest.approx((first + second) / 2, abs=1e-6)
    assert pair_coalitions(3, 2)[3].tolist() == [False, True, False, False, True]


@pytest.mark.parametrize('padding', [False, True])
def test_closed_form_equals_enumeration(padding):
    generator = torch.Generator().manual_seed(2)
    logits = 3 * torch.randn(2, 3, 4, generator=generator)
    region_mask, phrase_mask = torch.ones(2, 3, dtype=torch.bool), torch.ones(2, 4, dtype=torch.bool)
    if padding:
        region_mask[1, 2] = phrase_mask[0, 3] = False
    valid = region_mask[:, :, None] & phrase_mask[:, None]
    rows = torch.where(valid, logits.masked_fill(~valid, -1e9).softmax(dim=2), 0.0)
    columns = torch.where(valid, logits.masked_fill(~valid, -1e9).softmax(dim=1), 0.0)
    game = AlignmentValue().game(rows, columns, region_mask, phrase_mask)
    found = TASK_UTILS.build(dict(type='ClosedFormSemantic')).estimate(game)
    pairs = pair_coalitions(3, 4).expand(2, -1, -1)
    expected = ExactShapley().estimate(game, pairs).mean.unflatten(1, (3, 4))
    torch.testing.assert_close(found.mean, expected, atol=1e-6, rtol=1e-5)
    assert (found.mean[valid] > 0).any() and (found.mean[~valid] == 0).all()
    index = torch.tensor([1, 1, 0])
    chosen = ExactShapley().estimate(game.take(index), pairs[index]).mean
    torch.testing.assert_close(chosen.unflatten(1, (3, 4)), expected[index])


def test_the_max_game_by_all_orders():
    scores = [0.3, 0.0, 0.9, 0.3, 0.5]
    totals = [0.0] * 5
    for order in itertools.permutations(range(5)):
        best = 0.0
        for player in order:
            totals[player] += max(scores[player] - best, 0) / 120
            best = max(best, scores[player])
    torch.testing.assert_close(max_game_values(torch.tensor(scores)), torch.tensor(totals))
