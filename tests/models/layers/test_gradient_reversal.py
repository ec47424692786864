import pytest
import torch
from mmengine.registry import MODELS

from vlplugins.models.layers import GradientReversal, reverse_gradient


@pytest.mark.parametrize('coefficient', [1.0, 0.25, 0.0])
def test_values_stay_and_gradients_turn(coefficient):
    layer = MODELS.build(dict(type='vlplugins.GradientReversal', coefficient=coefficient))
    inputs = torch.randn(3, 4, requires_grad=True)
    outputs = layer(inputs)
    assert torch.equal(outputs, inputs)
    outputs.pow(3).sum().backward()
    assert torch.allclose(inputs.grad, -coefficient * 3 * inputs.detach().square())


def test_what_follows_is_not_reversed():
    weight, inputs = torch.tensor(2.0, requires_grad=True), torch.tensor(5.0, requires_grad=True)
    (weight * reverse_gradient(inputs)).backward()
    assert weight.grad == 5 and inputs.grad == -2


def test_twice_is_once_forward():
    inputs = torch.ones(2, requires_grad=True)
    reverse_gradient(reverse_gradient(inputs)).sum().backward()
    assert torch.equal(inputs.grad, torch.ones(2))


def test_half_precision_and_compilation():
    layer = GradientReversal(0.5)
    inputs = torch.randn(4, dtype=torch.bfloat16, requires_grad=True)
    outputs = torch.compile(layer, backend='aot_eager', fullgraph=True)(inputs)
    outputs.sum().backward()
    assert outputs.dtype == torch.bfloat16 and torch.equal(inputs.grad, torch.full_like(inputs, -0.5))


def test_negative_coefficient_is_refused():
    with pytest.raises(ValueError, match='-1'):
        GradientReversal(-1)
