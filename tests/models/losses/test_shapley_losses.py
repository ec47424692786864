import math

import pytest
import torch

from vlplugins.models.losses.shapley_losses import region_targets
from vlplugins.registry import MODELS


def masks(*sizes):
    return [torch.ones(2, size, dtype=torch.bool) for size in sizes]


def build(kind, **options):
    return MODELS.build(dict(type=kind, **options))


def test_targets_by_hand():
    interactions = torch.tensor([[[8.0, -1.0], [6.0, 0.5], [-3.0, 0.25]], [[-1.0, -2.0], [-1.0, 0.0], [-5.0, -1.0]]])
    sizes = torch.tensor([[4, 2, 1], [1, 1, 1]])
    region_mask, phrase_mask = masks(3, 2)
    # For each patch: (2, 3, none) and (none, 1/4, 1/4); the second image has nothing that cooperates.
    found = region_targets(interactions, sizes, region_mask, phrase_mask)
    torch.testing.assert_close(found, torch.tensor([[2 / 3, 1, 1], [0.0, 0, 0]]))
    plain = region_targets(interactions, sizes, region_mask, phrase_mask, size_normalise=False)
    torch.testing.assert_close(plain[0], torch.tensor([1, 1, 0.5]))


def test_a_small_object_beside_a_large_one_is_a_region_by_the_best_of_its_own_phrase():
    interactions = torch.tensor([[[100.0, 0.0], [0.0, 0.01]]])
    found = region_targets(interactions, torch.ones(1, 2), torch.ones(1, 2) > 0, torch.ones(1, 2) > 0)
    assert found.tolist() == [[1, 1]]


@pytest.mark.parametrize('padding', [0, 3])
def test_confidence_equals_the_loop_whatever_the_padding(padding):
    loss = build('TokenShapleyLoss', loss_weight=2.0)
    torch.manual_seed(0)
    logits, targets, mask = torch.randn(2, 4), torch.rand(2, 4), torch.ones(2, 4, dtype=torch.bool)
    mask[1, 3] = False
    total = 0.0
    for b, count in ((0, 4), (1, 3)):
        for r in range(count):
            s, t = torch.sigmoid(logits[b, r]).item(), targets[b, r].item()
            total -= (t * math.log(s) + (1 - t) * math.log(1 - s)) / count / 2
    padded = [torch.cat([each, torch.full((2, padding), math.nan)], dim=1) for each in (logits, targets)]
    padded[1] = padded[1].nan_to_num()
    mask = torch.cat([mask, torch.zeros(2, padding, dtype=torch.bool)], dim=1)
    padded[0].requires_grad_()
    found = loss(*padded, mask)
    assert found.item() == pytest.approx(2 * total, abs=1e-6)
    found.backward()
    assert padded[0].grad.isfinite().all()
    assert loss(torch.full((1, 2), 80.0).half(), torch.zeros(1, 2), torch.ones(1, 2) > 0).item() == pytest.approx(160)


def test_images_without_a_box_do_not_dilute_the_others():
    logits, mask = torch.randn(3, 4, requires_grad=True), torch.ones(3, 4, dtype=torch.bool)
    mask[1] = False
    loss, targets = build('TokenShapleyLoss'), torch.rand(3, 4)
    assert loss(logits, targets, mask).item() == pytest.approx(loss(logits[::2], targets[::2], mask[::2]).item())
    nothing = loss(logits, targets, mask & False)
    nothing.backward()
    assert nothing.item() == 0 and (logits.grad == 0).all()


@pytest.mark.parametrize('symmetric', [False, True])
@pytest.mark.parametrize('normalise', ['row_sum', 'max'])
def test_alignment_equals_the_loop(symmetric, normalise):
    torch.manual_seed(0)
    logits, interactions = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    interactions[0, 1] = -1.0
    loss = build('SemanticShapleyLoss', symmetric=symmetric, normalise=normalise)
    found = loss(logits.log_softmax(2), logits.log_softmax(1), interactions, *masks(3, 4)).item()
    reduce = sum if normalise == 'row_sum' else max
    total = 0.0
    for b in range(2):
        gains = interactions[b].clamp(min=0).tolist()
        rows, columns = logits[b].softmax(1).tolist(), logits[b].softmax(0).tolist()
        for i in range(3):
            for j in range(4):
                by_row, by_column = reduce(gains[i]), reduce([row[j] for row in gains])
                part = gains[i][j] / by_row * math.log(rows[i][j]) if by_row else 0
                if symmetric:
                    part = (part + (gains[i][j] / by_column * math.log(columns[i][j]) if by_column else 0)) / 2
                total -= part / 12 / 2
    assert found == pytest.approx(total, abs=1e-5)


def test_alignment_ignores_padding_and_texts_without_phrases():
    torch.manual_seed(0)
    aligner, loss = build('RegionPhraseAligner'), build('SemanticShapleyLoss')
    regions, phrases, interactions = torch.randn(2, 3, 8), torch.randn(2, 4, 8), torch.rand(2, 3, 4)
    region_mask, phrase_mask = masks(3, 4)
    phrase_mask[1] = False
    whole = aligner(regions, phrases, region_mask, phrase_mask)
    both = loss(whole.log_to_phrases, whole.log_to_regions, interactions, region_mask, phrase_mask)
    one = aligner(regions[:1], phrases[:1], region_mask[:1], phrase_mask[:1])
    alone = loss(one.log_to_phrases, one.log_to_regions, interactions[:1], region_mask[:1], phrase_mask[:1])
    assert both.item() == pytest.approx(alone.item())
    wide = torch.full((2, 6, 8), math.nan)
    wide[:, :3, :4] = interactions
    pad = [torch.nn.functional.pad(mask, (0, extra)) for mask, extra in ((region_mask, 3), (phrase_mask, 4))]
    features = [
        torch.cat([each, torch.full((2, extra, 8), math.nan)], dim=1) for each, extra in ((regions, 3), (phrases, 4))
    ]
    padded = aligner(*features, *pad)
    assert loss(padded.log_to_phrases, padded.log_to_regions, wide, *pad).item() == pytest.approx(
        alone.item(), abs=1e-6
    )


def test_one_phrase_teaches_by_columns_alone():
    regions, phrases = torch.randn(2, 3, 8, requires_grad=True), torch.randn(2, 1, 8)
    for symmetric in (False, True):
        found = build('RegionPhraseAligner')(regions, phrases, *masks(3, 1))
        loss = build('SemanticShapleyLoss', symmetric=symmetric)
        value = loss(found.log_to_phrases, found.log_to_regions, torch.rand(2, 3, 1) + 0.1, *masks(3, 1))
        assert (value.item() > 0) == symmetric


def test_labels_by_interactions_align_free_features_better_than_uniform_ones():
    """Pairs begin a little nearer than others; labels that follow cooperation sharpen that, uniform ones blur it."""
    closed, aligner = build_estimator(), build('RegionPhraseAligner')
    diagonals = {}
    for kind in ('shapley', 'uniform'):
        torch.manual_seed(0)
        shared = torch.randn(1, 4, 16)
        regions = (shared + 0.8 * torch.randn(1, 4, 16)).requires_grad_()
        phrases = (shared + 0.8 * torch.randn(1, 4, 16)).requires_grad_()
        optimizer = torch.optim.Adam([regions, phrases], lr=0.01)
        loss, both = build('SemanticShapleyLoss'), [torch.ones(1, 4, dtype=torch.bool)] * 2
        start = None
        for _ in range(60):
            found = aligner(regions, phrases, *both)
            start = found.to_phrases[0].diagonal().mean().item() if start is None else start
            labels = closed(found, both) if kind == 'shapley' else torch.ones(1, 4, 4)
            optimizer.zero_grad()
            loss(found.log_to_phrases, found.log_to_regions, labels, *both).backward()
            optimizer.step()
        diagonals[kind] = aligner(regions, phrases, *both).to_phrases[0].diagonal().mean().item()
    assert diagonals['shapley'] > start > diagonals['uniform']


def build_estimator():
    from vlplugins.models.task_modules import AlignmentValue, ClosedFormSemantic

    def interactions(found, both):
        game = AlignmentValue().game(found.to_phrases, found.to_regions, *both)
        return ClosedFormSemantic().estimate(game).mean

    return interactions


def test_uncertainty_has_its_optimum_at_the_error_and_its_limit():
    loss, mask = build('UncertaintyRegressionLoss', beta=0.1), torch.ones(1, dtype=torch.bool)
    s = torch.linspace(-6, 6, 1201)
    values = torch.stack([loss(torch.tensor([1.5]), each[None], torch.tensor([1.0]), mask) for each in s])
    assert s[values.argmin()].item() == pytest.approx(math.log(0.25 / 0.1), abs=0.02)
    exact = loss(torch.tensor([1.0]), torch.tensor([-500.0]), torch.tensor([1.0]), mask)
    assert exact.item() == pytest.approx(-0.6)


def test_uncertainty_without_samples_is_a_zero_that_touches_its_inputs():
    estimates, s = torch.randn(3, requires_grad=True), torch.randn(3, requires_grad=True)
    value = build('UncertaintyRegressionLoss')(estimates, s, torch.full((3,), math.nan), torch.zeros(3) > 0)
    value.backward()
    assert value.item() == 0 and (estimates.grad == 0).all() and (s.grad == 0).all()


def test_targets_and_labels_carry_no_gradient():
    interactions = torch.rand(2, 3, 4, requires_grad=True)
    assert not build('TokenShapleyLoss').targets(interactions, torch.ones(2, 3), *masks(3, 4)).requires_grad
    assert not build('SemanticShapleyLoss').labels(interactions, interactions > -1, 2).requires_grad


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="normalise 'sum'.*'row_sum' or 'max'"):
        build('SemanticShapleyLoss', normalise='sum')
    with pytest.raises(ValueError, match='beta 0'):
        build('UncertaintyRegressionLoss', beta=0)
