import math

import pytest
import torch
from torch.nn import functional as F

from vlplugins.models.layers.neural_shapley import RunningScale
from vlplugins.models.task_modules import MatchedProbValue, SampledShapley
from vlplugins.registry import MODELS

TOKEN = dict(type='TokenUNSIL', dim=8, grid=(2, 3), hidden=16, heads=2)
SEMANTIC = dict(type='SemanticUNSIL', dim=8, hidden=16, heads=2)


def build(cfg, awake=True):
    torch.manual_seed(0)
    model = MODELS.build(cfg)
    if awake:
        # The read-out starts at zero, behind which nothing would be seen.
        torch.nn.init.normal_(model.read_out[-1].weight)
    return model


def token_inputs():
    torch.manual_seed(1)
    return torch.randn(2, 6, 8), torch.randn(2, 4, 8), torch.rand(2, 5, 6) > 0.4


def semantic_inputs():
    torch.manual_seed(1)
    masks = [torch.ones(2, count, dtype=torch.bool) for count in (3, 4)]
    return [torch.randn(2, 3, 8), torch.randn(2, 4, 8), *masks, torch.randn(2, 3, 4)]


def test_start_without_an_opinion():
    for cfg, inputs in ((TOKEN, token_inputs()), (SEMANTIC, semantic_inputs())):
        assert all((each == 0).all() for each in build(cfg, awake=False)(*inputs))


def test_coalitions_and_texts_are_judged_one_by_one():
    model, (patches, texts, coalitions) = build(TOKEN), token_inputs()
    whole = model(patches, texts, coalitions)
    assert whole[0].shape == (2, 5, 4)
    for c, p in ((0, 0), (4, 2)):
        one = model(patches[1:], texts[1:, p : p + 1], coalitions[1:, c : c + 1])
        for found, expected in zip(one, whole):
            torch.testing.assert_close(found[0, 0, 0], expected[1, c, p], atol=1e-5, rtol=1e-4)


def test_a_coalition_of_all_patches_is_finite_and_differs():
    model, (patches, texts, coalitions) = build(TOKEN), token_inputs()
    coalitions[:, 0] = True
    coalitions[:, 1] = torch.arange(6) == 0
    estimates, _ = model(patches, texts, coalitions)
    assert estimates.isfinite().all() and not torch.allclose(estimates[:, 0], estimates[:, 1])


def test_pairs_follow_permutations_of_regions_and_phrases():
    model, (regions, phrases, region_mask, phrase_mask, logits) = build(SEMANTIC), semantic_inputs()
    rows, columns = torch.tensor([2, 0, 1]), torch.tensor([3, 1, 0, 2])
    whole = model(regions, phrases, region_mask, phrase_mask, logits)
    moved = model(regions[:, rows], phrases[:, columns], region_mask, phrase_mask, logits[:, rows][:, :, columns])
    for found, expected in zip(moved, whole):
        torch.testing.assert_close(found, expected[:, rows][:, :, columns], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(whole[0][:, 0], whole[0][:, 1])


def test_padding_of_nan_changes_no_pair():
    model, (regions, phrases, region_mask, phrase_mask, logits) = build(SEMANTIC), semantic_inputs()
    whole = model(regions, phrases, region_mask, phrase_mask, logits)
    pad = [torch.full((2, 2, 8), math.nan), torch.zeros(2, 2, dtype=torch.bool)]
    longer = [torch.cat([each, pad[index // 2]], 1) for index, each in enumerate((regions, phrases, region_mask))]
    longer.append(torch.cat([phrase_mask, pad[1]], 1))
    found = model(*longer, F.pad(logits, (0, 2, 0, 2)))
    for mine, expected in zip(found, whole):
        torch.testing.assert_close(mine[:, :3, :4], expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize('cfg', [TOKEN, SEMANTIC])
def test_the_network_learns_and_its_inputs_do_not(cfg):
    model = build(cfg)
    inputs = token_inputs() if cfg is TOKEN else semantic_inputs()
    leaves = [each.requires_grad_() for each in inputs if each.is_floating_point()]
    estimates, log_uncertainty = model(*inputs)
    (estimates.square().sum() + log_uncertainty.sum()).backward()
    assert all(each.grad is None for each in leaves)
    # Attention sees no constant shift of its keys; the biases of all projections are one parameter.
    assert {
        name for name, each in model.named_parameters() if each.grad is None or not each.grad.abs().sum() > 0
    } == set()


def test_running_scale_by_hand_and_its_state():
    scale = RunningScale(momentum=0.75)
    values, mask = torch.tensor([1.0, 3.0, 99.0]), torch.tensor([True, True, False])
    scale.update(values, mask)
    assert scale.mean == 2 and scale.deviation == 1
    scale.update(torch.tensor([4.0, 8.0, math.nan]), mask)
    assert scale.mean == 3 and scale.deviation == pytest.approx(1.25)
    scale.update(values, torch.zeros(3, dtype=torch.bool))
    assert scale.mean == 3 and scale.updates == 2
    torch.testing.assert_close(scale.restore(scale.standardise(values)), values)
    other = RunningScale(momentum=0.75)
    other.load_state_dict(scale.state_dict())
    other.update(values, mask)
    assert other.mean == 2.75


def test_sizes_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match='heads 3 divide hidden 16'):
        build({**TOKEN, 'heads': 3})


def scenes(count, generator, texts):
    """Grids of 6 x 6 with one object of 2 to 4 patches a side, and another rectangle anywhere."""
    tokens = 0.15 * torch.randn(count, 6, 6, texts.size(1), generator=generator)
    own = torch.randint(len(texts), (count,), generator=generator)
    size = torch.randint(2, 5, (2, count, 2), generator=generator)
    corner = (torch.rand(2, count, 2, generator=generator) * (7 - size)).long()
    axis = torch.arange(6)

    def rectangle(index):
        begin, end = corner[index][..., None], (corner[index] + size[index])[..., None]
        inside = (axis >= begin) & (axis < end)
        return inside[:, 0, :, None] & inside[:, 1, None]

    tokens += rectangle(0)[..., None] * texts[own][:, None, None]
    return tokens.flatten(1, 2), own[:, None], rectangle(1).flatten(1)[:, None]


@pytest.mark.learning
def test_learns_interactions_and_where_it_errs():
    generator = torch.Generator().manual_seed(0)
    texts = F.normalize(torch.randn(8, 32, generator=generator), dim=-1)
    torch.manual_seed(0)
    model = MODELS.build(dict(type='TokenUNSIL', dim=32, grid=(6, 6), hidden=32, depth=1, heads=2))
    loss = MODELS.build(dict(type='UncertaintyRegressionLoss'))
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)

    def play(count, samples, step):
        tokens, own, coalitions = scenes(count, generator, texts)
        game = MatchedProbValue().game(tokens, texts.expand(count, -1, -1), own)
        truth = SampledShapley(samples).estimate(game, coalitions, step).mean
        return (tokens, texts[own], coalitions), truth

    for step in range(200):
        inputs, truth = play(48, 16, step)
        model.scale.update(truth, torch.ones_like(truth, dtype=torch.bool))
        estimates, log_uncertainty = model(*inputs)
        optimizer.zero_grad()
        loss(estimates, log_uncertainty, model.scale.standardise(truth), torch.ones_like(truth) > 0).backward()
        optimizer.step()
    with torch.no_grad():
        inputs, truth = play(400, 256, 1000)
        estimates, log_uncertainty = model(*inputs)
    truth, estimates = truth.flatten(), model.scale.restore(estimates).flatten()
    log_uncertainty = log_uncertainty.flatten()
    errors = (estimates - truth).abs()
    assert torch.corrcoef(torch.stack([estimates, truth]))[0, 1] >= 0.9
    ranks = torch.stack([each.argsort().argsort().float() for each in (errors, log_uncertainty)])
    assert torch.corrcoef(ranks)[0, 1] >= 0.4
    assert errors[log_uncertainty.argsort()[:200]].mean() <= errors.mean() / 2
