import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlplugins.models.task_modules.alignment_game import AlignmentValue
from vlplugins.models.task_modules.game_values import (
    CosineValue,
    MatchedProbValue,
    ReencodeValue,
)
from vlplugins.models.task_modules.shapley import ExactShapley, SampledShapley
from vlplugins.registry import TASK_UTILS

DIM, TEXTS = 64, 12


def scene(height, width, side=6, noise=0.3, seed=0):
    """Patches of a grid with one object of the first text at its corner, and texts."""
    generator = torch.Generator().manual_seed(seed)
    texts = F.normalize(torch.randn(TEXTS, DIM, generator=generator), dim=-1)
    tokens = noise * torch.randn(side, side, DIM, generator=generator) / math.sqrt(DIM) * 3
    tokens[:height, :width] += texts[0]
    return tokens.flatten(0, 1), texts


def rectangle(y1, x1, y2, x2, side=6):
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[y1:y2, x1:x2] = True
    return mask.flatten()


def naive_matched(tokens, texts, own, members, gain):
    z = sum((F.normalize(tokens[i], dim=0) for i in members), torch.zeros(tokens.size(1))) / len(tokens)
    weights = [math.exp(gain * float(z @ F.normalize(text, dim=0))) for text in texts]
    return weights[own] / sum(weights) - 1 / len(texts)


def test_matched_probability_equals_the_loop_and_is_zero_for_nobody():
    tokens, texts = torch.randn(7, 5), torch.randn(4, 5)
    game = MatchedProbValue(gain=9.0, max_full_prob=None).game(tokens, texts, torch.tensor([2, 0]))
    masks = torch.rand(6, 7) > 0.5
    masks[0] = False
    expected = [[naive_matched(tokens, texts, own, mask.nonzero().flatten(), 9.0) for own in (2, 0)] for mask in masks]
    torch.testing.assert_close(game(masks), torch.tensor(expected), atol=1e-6, rtol=1e-5)
    assert (game(masks)[0] == 0).all()


@pytest.mark.parametrize('kind', ['matched', 'cosine', 'reencode', 'alignment'])
def test_nobody_is_worth_exactly_nothing(kind):
    tokens, texts, own = torch.randn(6, 8), torch.randn(3, 8), torch.tensor([1])
    if kind == 'alignment':
        game = AlignmentValue().game(torch.rand(2, 4), torch.rand(2, 4), torch.ones(2) > 0, torch.ones(4) > 0)
    elif kind == 'reencode':
        game = ReencodeValue().game(tokens, texts, own, encode=lambda patches: patches.sum(dim=1) + 1)
    else:
        game = dict(matched=MatchedProbValue(), cosine=CosineValue())[kind].game(tokens, texts, own)
    assert (game(torch.zeros(3, 6, dtype=torch.bool)) == 0).all()
    assert (game(torch.ones(3, 6, dtype=torch.bool)) != 0).all()


def test_gains_are_lowered_to_the_greatest_probability_and_not_raised():
    tokens, texts = scene(5, 4)
    own = torch.tensor([0, 5])
    game = MatchedProbValue(gain=32.0, max_full_prob=0.5).game(tokens, texts, own)
    free = MatchedProbValue(gain=32.0, max_full_prob=None).game(tokens, texts, own)
    assert free.full_probability()[0] > 0.9
    assert game.full_probability()[0].item() == pytest.approx(0.5, abs=1e-4) and game.gain[0] < 32
    assert game.gain[1] == 32 and torch.equal(game.full_probability()[1], free.full_probability()[1])


@pytest.mark.parametrize('most', [0.5, 0.3, 1.0, None])
def test_with_one_text_less_than_the_fewest_a_game_says_nothing(most):
    value = MatchedProbValue(max_full_prob=most)
    coalition, own = rectangle(0, 0, 3, 3)[None], torch.tensor([0])
    tokens, texts = scene(3, 3)
    few, enough = (value.game(tokens, texts[: value.min_texts - lack], own) for lack in (1, 0))
    assert SampledShapley(64).estimate(few, coalition).mean.abs().item() < 1e-6
    assert SampledShapley(64).estimate(enough, coalition).mean.abs().item() > 1e-4


def test_an_object_cooperates_and_the_ground_does_not():
    tokens, texts = scene(3, 3)
    game = MatchedProbValue().game(tokens, texts, torch.tensor([0]))
    coalitions = torch.stack([rectangle(0, 0, 3, 3), rectangle(4, 0, 6, 3)])
    found = SampledShapley(256).estimate(game, coalitions)
    means, errors = found.mean[:, 0], found.stderr[:, 0]
    assert means[0] > 10 * errors[0] and means[0] > 0
    # Noise of the ground resembles the text a little: far less than the object.
    assert means[1].abs() < 0.05 * means[0]


def test_without_the_cap_an_object_that_fills_the_image_repels_itself():
    tokens, texts = scene(6, 5)
    coalitions, own = rectangle(0, 0, 6, 5)[None], torch.tensor([0])
    sampler = SampledShapley(512)
    capped = sampler.estimate(MatchedProbValue(gain=32.0).game(tokens, texts, own), coalitions)
    free = sampler.estimate(MatchedProbValue(gain=32.0, max_full_prob=None).game(tokens, texts, own), coalitions)
    assert capped.mean.item() > 3 * capped.stderr.item()
    assert free.mean.item() < -3 * free.stderr.item()


def test_the_tight_box_has_the_most_for_each_patch():
    boxes = [(0, 0, 3, 3), (0, 0, 3, 2), (0, 0, 4, 4), (1, 1, 4, 4), (0, 0, 6, 6)]
    coalitions = torch.stack([rectangle(*box) for box in boxes])
    total = torch.zeros(len(boxes))
    for seed in range(4):
        tokens, texts = scene(3, 3, seed=seed)
        game = MatchedProbValue().game(tokens, texts, torch.tensor([0]))
        total += SampledShapley(256).estimate(game, coalitions).mean[:, 0] / coalitions.sum(dim=1)
    assert total.argmax() == 0


def test_texts_that_do_not_compete_change_nothing_even_when_nan():
    tokens, texts = torch.randn(6, 8), torch.randn(5, 8)
    masks = torch.rand(4, 6) > 0.5
    few = MatchedProbValue().game(tokens, texts[:3], torch.tensor([1]))(masks)
    candidates = torch.tensor([[True, True, True, False, False]])
    texts[3:] = math.nan
    many = MatchedProbValue().game(tokens, texts, torch.tensor([1]), candidates)
    torch.testing.assert_close(many(masks), few)
    coalitions = torch.tensor([[True, True, False, False, False, False]])
    assert SampledShapley(8).estimate(many, coalitions).mean.isfinite().all()
    # The own text competes, whatever the mask says.
    own_out = torch.tensor([[True, False, True, False, False]])
    torch.testing.assert_close(MatchedProbValue().game(tokens, texts, torch.tensor([1]), own_out)(masks), few)


def test_a_double_of_the_own_text_caps_its_probability():
    tokens, texts = scene(6, 6)
    doubled = torch.cat([texts, texts[:1]])
    everybody = torch.ones(1, 36, dtype=torch.bool)
    value = MatchedProbValue(gain=64.0, max_full_prob=None)
    both = value.game(tokens, doubled, torch.tensor([0]))(everybody).item() + 1 / 13
    candidates = torch.ones(1, 13, dtype=torch.bool)
    candidates[0, -1] = False
    alone = value.game(tokens, doubled, torch.tensor([0]), candidates)(everybody).item() + 1 / 12
    assert both <= 0.5 + 1e-6 < alone


def test_cosine_equals_the_loop_and_shows_no_cooperation():
    tokens, texts = scene(2, 2, side=4)
    game = CosineValue().game(tokens, texts, torch.tensor([0, 3]))
    masks = torch.rand(5, 16) > 0.5
    unit = F.normalize(tokens, dim=1)
    for mask, found in zip(masks, game(masks)):
        for own, value in zip((0, 3), found):
            assert value.item() == pytest.approx(
                F.cosine_similarity(unit[mask].mean(dim=0), texts[own], dim=0).item(), abs=1e-5
            )
    whole = SampledShapley(256).estimate(game, torch.ones(1, 16, dtype=torch.bool)).mean[0, 0]
    assert whole < 0


def test_reencoding_runs_the_encoder_with_zeros_for_the_absent():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(4 * 3, 8), nn.GELU(), nn.Linear(8, 5))
    patches, texts, own = torch.randn(4, 3), torch.randn(6, 5), torch.tensor([2])
    game = ReencodeValue(gain=5.0).game(patches, texts, own, encode=encoder)

    def probability(present):
        kept = torch.stack([patches[i] if i in present else torch.zeros(3) for i in range(4)])
        cosines = F.cosine_similarity(encoder(kept[None]), texts, dim=1)
        return (5 * cosines).softmax(dim=0)[2].item()

    found = game(torch.tensor([[True, False, True, False]])).item()
    assert found == pytest.approx(probability({0, 2}) - probability(set()), abs=1e-6)
    exact = ExactShapley().estimate(game, torch.tensor([[True, True, False, False]]))
    sampled = SampledShapley(3000).estimate(game, torch.tensor([[True, True, False, False]]))
    assert exact.mean.shape == (1, 1) and abs(sampled.mean - exact.mean) <= 4 * sampled.stderr


def test_images_of_a_batch_are_encoded_with_their_own_texts_and_rivals():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(4 * 3, 8), nn.GELU(), nn.Linear(8, 5))
    patches, texts = torch.randn(2, 4, 3), torch.randn(2, 6, 5)
    own, candidates = torch.tensor([[2, 0], [5, 1]]), torch.rand(2, 2, 6) > 0.3
    masks = torch.rand(2, 7, 4) > 0.4
    found = ReencodeValue(gain=5.0).game(patches, texts, own, candidates, encoder)(masks)
    for image, game in ((0, 1), (1, 0)):
        rivals = candidates[image, game].clone()
        rivals[own[image, game]] = True
        place = torch.tensor([int(rivals[: own[image, game]].sum())])
        one = ReencodeValue(gain=5.0).game(patches[image], texts[image, rivals], place, encode=encoder)
        torch.testing.assert_close(found[image, :, game], one(masks[image])[:, 0])


def test_half_precision_is_played_in_single():
    tokens, texts = scene(3, 3)
    whole = MatchedProbValue().game(tokens, texts, torch.tensor([0]))
    half = MatchedProbValue().game(tokens.half(), texts.half(), torch.tensor([0]))
    masks = rectangle(0, 0, 3, 3)[None]
    assert half(masks).dtype == torch.float32
    torch.testing.assert_close(half(masks), whole(masks), atol=1e-3, rtol=1e-2)


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match='gain 0'):
        TASK_UTILS.build(dict(type='MatchedProbValue', gain=0))
    with pytest.raises(ValueError, match='max_full_prob 1.5'):
        MatchedProbValue(max_full_prob=1.5)


@pytest.mark.parametrize('value', [MatchedProbValue(), CosineValue(), ReencodeValue()])
def test_games_of_chosen_images_are_those_of_the_batch(value):
    torch.manual_seed(0)
    tokens, texts, own = torch.randn(3, 6, 8), torch.randn(3, 5, 8), torch.tensor([[0, 1], [2, 3], [4, 0]])
    candidates = torch.rand(3, 2, 5) > 0.3
    options = dict(encode=lambda kept: kept.square().mean(dim=1)) if isinstance(value, ReencodeValue) else {}
    game = value.game(tokens, texts, own, candidates, **options)
    index, masks = torch.tensor([2, 0, 2]), torch.rand(3, 4, 6) > 0.4
    expected = [game(masks[row].expand(3, -1, -1))[image] for row, image in enumerate(index)]
    torch.testing.assert_close(game.take(index)(masks), torch.stack(expected))
    everybody = torch.ones(3, 1, 6, dtype=torch.bool)
    of_batch, of_chosen = (SampledShapley(8).estimate(each, everybody).mean for each in (game, game.take(index)))
    torch.testing.assert_close(of_chosen, of_batch[index])
