import math

import pytest
import torch

from vlplugins.registry import MODELS


def inputs(regions=4, phrases=3):
    generator = torch.Generator().manual_seed(0)
    masks = torch.ones(2, regions, dtype=torch.bool), torch.ones(2, phrases, dtype=torch.bool)
    return [torch.randn(2, n, 8, generator=generator) for n in (regions, phrases)] + [*masks]


def build(**options):
    return MODELS.build(dict(type='RegionPhraseAligner', **options))


def test_equals_the_loop():
    regions, phrases, *masks = inputs()
    found = build(temperature=0.2)(regions, phrases, *masks)
    for b in range(2):
        cosines = torch.stack(
            [torch.stack([torch.cosine_similarity(r, p, dim=0) for p in phrases[b]]) for r in regions[b]]
        )
        weights = [[math.exp(value / 0.2) for value in row] for row in cosines.tolist()]
        rows = [[value / sum(row) for value in row] for row in weights]
        columns = [[weights[i][j] / sum(row[j] for row in weights) for j in range(3)] for i in range(4)]
        torch.testing.assert_close(found.to_phrases[b], torch.tensor(rows))
        torch.testing.assert_close(found.to_regions[b], torch.tensor(columns))
        torch.testing.assert_close(found.log_to_regions[b].exp(), torch.tensor(columns))
        first = sum(max(row) for row in rows) / 4
        second = sum(max(row[j] for row in columns) for j in range(3)) / 3
        assert found.similarity[b].item() == pytest.approx((first + second) / 2, abs=1e-5)


def test_padding_of_nan_changes_neither_values_nor_gradients():
    regions, phrases, *masks = inputs()
    padded = [torch.cat([each, torch.full((2, 2, 8), math.nan)], dim=1).requires_grad_() for each in (regions, phrases)]
    longer = [torch.cat([mask, torch.zeros(2, 2, dtype=torch.bool)], dim=1) for mask in masks]
    short, long = build()(regions, phrases, *masks), build()(*padded, *longer)
    torch.testing.assert_close(long.similarity, short.similarity)
    for name in ('to_phrases', 'to_regions', 'log_to_phrases', 'log_to_regions'):
        torch.testing.assert_close(getattr(long, name)[:, :4, :3], getattr(short, name))
        assert (getattr(long, name)[:, 4:] == 0).all() and (getattr(long, name)[:, :, 3:] == 0).all()
    (long.similarity.sum() + long.log_to_phrases.sum()).backward()
    assert all(each.grad.isfinite().all() and each.grad.abs().sum() > 0 for each in padded)


def test_logarithms_stay_finite_where_the_softmax_is_zero():
    regions, phrases, *masks = inputs(2, 2)
    regions[:, 0], regions[:, 1] = phrases[:, 0], -phrases[:, 0]
    found = build(temperature=1 / 300)(regions.half(), phrases.half(), *masks)
    assert found.to_regions.min() == 0 and found.log_to_regions.isfinite().all()


def test_a_text_without_phrases_and_a_temperature_of_zero():
    regions, phrases, region_mask, phrase_mask = inputs()
    phrase_mask[1] = False
    found = build()(regions, phrases, region_mask, phrase_mask)
    assert found.similarity[1] == 0 and all(each.isfinite().all() for each in found)
    with pytest.raises(ValueError, match='temperature 0'):
        build(temperature=0)
