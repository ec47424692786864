import pytest
import torch
from torch import nn

from vlplugins.engine.optimizers.lars import LARS


def naive_steps(parameters, gradients, lr, momentum, decay, trust):
    """Scalar re-implementation: one parameter after the other, in Python numbers where a norm is concerned."""
    buffers = [torch.zeros_like(p) for p in parameters]
    for step in gradients:
        for index, (p, g) in enumerate(zip(parameters, step)):
            g = g.clone()
            if p.dim() > 1:
                g += decay * p
                weight_norm, gradient_norm = p.norm().item(), g.norm().item()
                if weight_norm > 0 and gradient_norm > 0:
                    g *= trust * weight_norm / gradient_norm
            buffers[index] = momentum * buffers[index] + g
            p -= lr * buffers[index]
    return parameters


def test_two_steps_equal_the_naive_reference():
    torch.manual_seed(0)
    # A matrix, a convolution, a bias, a matrix of zeros, and a matrix without gradient signal.
    shapes = [(3, 4), (2, 2, 3, 3), (5,), (2, 3), (3, 2)]
    start = [torch.randn(shape) for shape in shapes]
    start[3].zero_()
    gradients = [[torch.randn(shape) for shape in shapes] for _ in range(2)]
    for step in gradients:
        step[4].zero_()
    expected = naive_steps([p.clone() for p in start], gradients, lr=0.5, momentum=0.9, decay=0.01, trust=0.001)

    parameters = [nn.Parameter(p.clone()) for p in start]
    optimizer = LARS(parameters, lr=0.5, momentum=0.9, weight_decay=0.01, trust_coefficient=0.001)
    for step in gradients:
        for parameter, gradient in zip(parameters, step):
            parameter.grad = gradient.clone()
        optimizer.step()
    for ours, theirs in zip(parameters, expected):
        torch.testing.assert_close(ours.data, theirs)


def test_zero_gradient_without_decay_changes_nothing():
    parameter = nn.Parameter(torch.randn(2, 2))
    before = parameter.data.clone()
    parameter.grad = torch.zeros(2, 2)
    LARS([parameter], lr=1.0).step()
    assert torch.equal(parameter.data, before)


def test_parameters_without_gradient_are_skipped_and_have_no_state():
    used, unused = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    used.grad = torch.ones(2, 2)
    optimizer = LARS([used, unused], lr=1.0)
    optimizer.step()
    assert unused not in optimizer.state and torch.equal(unused.data, torch.ones(2, 2))


def test_state_survives_a_round_trip():
    parameter = nn.Parameter(torch.ones(2, 2))
    parameter.grad = torch.ones(2, 2)
    optimizer = LARS([parameter], lr=1.0)
    optimizer.step()
    other = LARS([parameter], lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    torch.testing.assert_close(other.state[parameter]['momentum_buffer'], optimizer.state[parameter]['momentum_buffer'])
    assert other.param_groups[0]['lr'] == 1.0


@pytest.mark.parametrize('name', ['lr', 'momentum', 'weight_decay', 'trust_coefficient'])
def test_negative_arguments_are_refused_by_name(name):
    with pytest.raises(ValueError, match=name):
        LARS([nn.Parameter(torch.ones(1))], **{'lr': 1.0, name: -1.0})
