import math

import pytest
import torch
from torch import nn

from vlplugins.models.losses.info_nce import InfoNCELoss, info_nce


def naive(logits, positives):
    total = 0.0
    for row, columns in zip(logits.tolist(), positives):
        denominator = sum(math.exp(value) for value in row)
        total += sum(-math.log(math.exp(row[j]) / denominator) for j in columns) / len(columns)
    return total / len(logits)


def test_one_positive_equals_the_double_loop():
    logits = torch.randn(4, 6)
    expected = naive(logits, [[1], [0], [5], [2]])
    assert info_nce(logits, torch.tensor([1, 0, 5, 2])).item() == pytest.approx(expected, rel=1e-5)


def test_several_positives_equal_the_double_loop():
    logits = torch.randn(3, 5)
    columns = [[0, 1], [2], [1, 3, 4]]
    mask = torch.zeros(3, 5, dtype=torch.bool)
    for row, positive in enumerate(columns):
        mask[row, positive] = True
    assert info_nce(logits, mask).item() == pytest.approx(naive(logits, columns), rel=1e-5)
    assert info_nce(logits, mask, reduction='none').shape == (3,)


@pytest.mark.parametrize('positives', [torch.zeros(4), torch.zeros(4, 5, dtype=torch.bool), torch.zeros(3, dtype=int)])
def test_positives_of_a_wrong_shape_or_dtype_are_refused(positives):
    with pytest.raises(ValueError, match='positives'):
        info_nce(torch.randn(4, 6), positives)


def cosines(a, b):
    return nn.functional.normalize(a, dim=1) @ nn.functional.normalize(b, dim=1).T


def test_symmetric_loss_is_the_mean_of_both_sides():
    queries, keys = torch.randn(4, 8), torch.randn(4, 8)
    logits = cosines(queries, keys) / 0.1
    own = [[i] for i in range(4)]
    expected = (naive(logits, own) + naive(logits.T, own)) / 2
    loss = InfoNCELoss(temperature=0.1, symmetric=True, loss_weight=3.0)
    assert loss(queries, keys).item() == pytest.approx(3 * expected, rel=1e-5)


def test_learned_scale_has_a_gradient_and_a_bound():
    loss = InfoNCELoss(temperature=0.07, learn_scale=True, max_scale=20.0)
    assert loss.scale.item() == pytest.approx(1 / 0.07)
    loss(torch.randn(4, 8), torch.randn(4, 8)).backward()
    assert loss.log_scale.grad.abs() > 0
    nn.init.constant_(loss.log_scale, 10.0)
    assert loss.scale.item() == pytest.approx(20.0)


def test_half_precision_input_is_computed_in_single_precision():
    queries, keys = torch.randn(4, 8), torch.randn(4, 8)
    loss = InfoNCELoss()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        half = loss(queries.bfloat16(), keys.bfloat16())
    assert half.dtype == torch.float
    torch.testing.assert_close(half, loss(queries, keys), atol=0.1, rtol=0.05)
