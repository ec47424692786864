import math

import torch

from vlplugins.models.layers.game_texts import gather_game_texts, phrase_keys
from vlplugins.models.layers.members import span_members


def test_keys_are_equal_for_equal_tokens_alone():
    ids = torch.tensor([[101, 5, 7, 9, 0, 0], [5, 7, 7, 5, 5, 7]])
    spans = torch.tensor([[[1, 3], [2, 4], [1, 2], [0, 0]], [[0, 2], [2, 4], [4, 6], [1, 3]]])
    keys = phrase_keys(ids, span_members(spans, torch.ones(2, 6, dtype=torch.bool)))
    tokens = [tuple(ids[b, a:e].tolist()) for b in range(2) for a, e in spans[b].tolist()]
    found = keys.flatten().tolist()
    for i, first in enumerate(tokens):
        for j, second in enumerate(tokens):
            assert (found[i] == found[j]) == (first == second)


def test_copies_of_the_own_text_do_not_compete_and_other_texts_do_once():
    keys = torch.tensor([[1, 2], [1, 3], [2, 9]])
    valid = torch.tensor([[True, True], [True, True], [True, False]])
    features = torch.arange(6.0).view(3, 2, 1)
    features[2, 1] = math.nan
    texts = gather_game_texts(features, keys, valid, 64, torch.Generator().manual_seed(0))
    lookup = {0: 1, 1: 2, 2: 1, 3: 3, 4: 2}
    for b in range(3):
        for p in range(2):
            if not valid[b, p]:
                continue
            column = texts.own[b, p]
            assert texts.texts[b, column] == features[b, p]
            rivals = [texts.texts[b, k].item() for k in range(texts.texts.size(1)) if texts.candidates[b, p, k]]
            assert sorted(lookup[each] for each in rivals) == [1, 2, 3]


def test_own_texts_with_too_few_rivals_do_not_judge():
    keys, valid = torch.tensor([[1, 1], [2, 9]]), torch.tensor([[True, False], [True, True]])
    texts = gather_game_texts(torch.zeros(2, 2, 1), keys, valid, 64, torch.Generator().manual_seed(0))
    assert torch.equal(texts.with_rivals(3).valid, valid) and not texts.with_rivals(4).valid.any()


def test_no_more_texts_than_asked_for_but_all_own_ones():
    keys = torch.arange(20).view(10, 2)
    for most, expected in ((8, 8), (1, 2), (64, 22)):
        texts = gather_game_texts(
            torch.randn(10, 2, 3), keys, torch.ones_like(keys) > 0, most, torch.Generator().manual_seed(0)
        )
        assert texts.texts.shape == (10, expected, 3) and texts.candidates.sum(dim=2).max() <= max(most, 2)
