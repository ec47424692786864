import math

import pytest
import torch
from torch import nn

from vlplugins.models.layers.neural_shapley import RunningScale
from vlplugins.registry import MODELS


@MODELS.register_module(force=True)
class FixedEstimator(nn.Module):
    """Estimates 0.5 in standardised units with given uncertainties."""

    def __init__(self):
        super().__init__()
        self.estimates, self.s = nn.Parameter(torch.full((1, 4), 0.5)), nn.Parameter(torch.zeros(1, 4))
        self.s.data = torch.tensor([[0.1, 0.9, 0.4, 3.0]]).log()
        self.scale = RunningScale()

    def forward(self, offset):
        return self.estimates + offset, self.s + 0


MASK = torch.tensor([[True, True, True, False]])
TRUTH = torch.tensor([[1.0, 3.0, 5.0, math.nan]])


def build(**options):
    return MODELS.build(
        dict(type='HybridShapley', estimator=dict(type='FixedEstimator'), **{'budget': None, **options})
    )


def play(model, truth=TRUTH, mask=MASK):
    asked = []

    def sample(rows):
        asked.append(None if rows is None else sorted(rows.tolist()))
        return truth if rows is None else truth.flatten(0, 1)[rows]

    return model((torch.zeros(()),), sample, mask), asked


def test_everything_is_sampled_during_the_warm_up_and_the_unsure_after_it():
    model = build(warmup_iters=1)
    result, asked = play(model)
    assert asked == [None] and result.interactions.tolist() == [[1, 3, 5, 0]]
    assert result.logs['sample_ratio'] == 1
    # The running scale is now 3 and the square root of 8/3: an estimate of 0.5 is 3.816.
    result, asked = play(model)
    assert asked == [[1]]
    assert result.logs['sample_ratio'].item() == pytest.approx(1 / 3)
    expected = 3 + 0.5 * math.sqrt(8 / 3)
    assert result.interactions[0, [0, 2]].tolist() == pytest.approx([expected, expected], abs=0.05)
    assert result.interactions[0, 1] == 3 and result.interactions[0, 3] == 0
    assert result.logs['mae'].item() == pytest.approx(expected - 3, abs=0.05)
    assert not result.interactions.requires_grad


def test_only_samples_teach():
    model = build(warmup_iters=0)
    play(model)[0].loss.backward()
    assert (model.estimator.s.grad != 0).tolist() == [[False, True, False, False]]


def test_with_nothing_to_sample_the_loss_is_a_zero_that_touches_the_estimator():
    model = build(warmup_iters=0, mode='neural')
    result, asked = play(model)
    assert not asked and result.loss == 0 and result.logs['sample_ratio'] == 0
    result.loss.backward()
    assert (model.estimator.estimates.grad == 0).all() and (model.estimator.s.grad == 0).all()


def test_without_trust_everything_is_sampled_and_taught():
    model = build(warmup_iters=0, mode='sampled')
    result, asked = play(model)
    assert asked == [None] and result.loss != 0


def test_steps_ratio_and_scale_are_resumed():
    model = build(warmup_iters=3, momentum=0.5)
    for _ in range(4):
        play(model)
    assert model.steps.value == 4 and model.sample_ratio.item() == pytest.approx((1 + 1 / 3) / 2)
    other = build(warmup_iters=3, momentum=0.5)
    other.load_state_dict(model.state_dict())
    first, second = play(model), play(other)
    assert torch.equal(first[0].interactions, second[0].interactions) and second[1] == [[1]]
    assert other.sample_ratio == model.sample_ratio and other.steps.value == 5


def test_a_budget_samples_the_most_unsure_and_trusts_the_rest():
    model = build(warmup_iters=0, threshold=0.05, budget=0.5)
    result, asked = play(model)
    # All three that count are unsure, and two of four may be sampled: those with 0.9 and 0.4.
    assert asked == [[1, 2]] and result.interactions[0, [1, 2]].tolist() == [3, 5]
    assert result.interactions[0, 0] == pytest.approx(4 + 0.5, abs=0.05)
    assert result.logs['sample_ratio'].item() == pytest.approx(2 / 3)
    # The number of rows does not depend on what is unsure.
    assert len(play(build(warmup_iters=0, threshold=10.0, budget=0.5))[1][0]) == 2


def test_of_a_batch_only_the_unsure_are_sampled_however_many_an_image_has():
    truth, mask = torch.arange(12.0).view(3, 4), torch.ones(3, 4, dtype=torch.bool)
    uncertainties = [[0.9, 0.1, 0.8, 0.7], [0.1, 0.1, 0.1, 0.1], [0.1, 0.2, 0.1, 0.6]]

    def build_batch(**options):
        model = build(warmup_iters=0, **options)
        model.estimator.estimates.data = torch.zeros(3, 4)
        model.estimator.s.data = torch.tensor(uncertainties).log()
        return model

    result, asked = play(build_batch(), truth, mask)
    assert asked == [[0, 2, 3, 11]] and result.interactions.flatten()[asked[0]].tolist() == [0, 2, 3, 11]
    assert result.logs['sample_ratio'].item() == pytest.approx(1 / 3)
    # Of twelve a quarter, most of them of the image that is least sure.
    result, asked = play(build_batch(budget=0.25), truth, mask)
    assert asked == [[0, 2, 3]] and result.logs['sample_ratio'].item() == pytest.approx(1 / 4)


def test_nothing_is_asked_where_all_are_sure():
    result, asked = play(build(warmup_iters=0, threshold=10.0))
    assert not asked and result.logs['sample_ratio'] == 0 and result.loss == 0


def test_rows_of_several_games_are_sampled_together():
    model = build(warmup_iters=0)
    model.estimator.estimates.data = torch.zeros(1, 4, 2)
    model.estimator.s.data = torch.tensor([[[0.1, 0.9], [0.1, 0.1], [0.4, 0.2], [0.9, 0.9]]]).log()
    truth = torch.arange(8.0).view(1, 4, 2)
    mask = torch.tensor([[True, True, True, False]])[..., None].expand(1, 4, 2)
    rows = []
    result = model((torch.zeros(()),), lambda each: rows.append(each) or truth.flatten(0, 1)[each], mask)
    assert rows[0].tolist() == [0] and result.interactions[0, 0, 1] == 1
    assert result.logs['sample_ratio'].item() == pytest.approx(1 / 6)


def test_evaluation_changes_no_state():
    model = build(warmup_iters=0).eval()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    play(model)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="mode 'exact'.*'hybrid', 'sampled', 'neural'"):
        build(mode='exact')
    with pytest.raises(ValueError, match='threshold 0'):
        build(threshold=0)
    with pytest.raises(ValueError, match='budget 0'):
        build(budget=0)
