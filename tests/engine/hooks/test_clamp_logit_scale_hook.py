import logging
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from vlplugins.engine.hooks.clamp_logit_scale_hook import ClampLogitScaleHook
from vlplugins.registry import HOOKS


def runner_of(value):
    model = nn.Module()
    model.head = nn.Module()
    model.head.logit_scale = nn.Parameter(torch.tensor(value))
    return SimpleNamespace(model=model, logger=logging.getLogger('test'))


@pytest.mark.parametrize('value, expected', [(7.0, 4.6052), (-1.0, 0.1), (2.5, 2.5)])
def test_clamps_after_a_step_and_keeps_the_gradient(value, expected):
    runner, hook = runner_of(value), HOOKS.build(dict(type='ClampLogitScaleHook'))
    parameter = runner.model.head.logit_scale
    hook.before_train(runner)
    hook.after_train_iter(runner, 0)
    assert parameter.item() == pytest.approx(expected)
    assert parameter is runner.model.head.logit_scale and parameter.requires_grad
    parameter.exp().backward()
    assert parameter.grad > 0


def test_a_step_back_from_the_bound_is_possible():
    runner, hook = runner_of(4.6052), ClampLogitScaleHook()
    parameter = runner.model.head.logit_scale
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    hook.before_train(runner)
    parameter.square().backward()
    optimizer.step()
    hook.after_train_iter(runner, 0)
    assert parameter.item() < 4.0


def test_wrong_paths_and_ranges_fail_before_training():
    with pytest.raises(AttributeError, match='head.scale'):
        ClampLogitScaleHook(param_name='head.scale').before_train(runner_of(1.0))
    with pytest.raises(ValueError, match='not a tensor'):
        ClampLogitScaleHook(param_name='head.training').before_train(runner_of(1.0))
    with pytest.raises(ValueError, match='min'):
        ClampLogitScaleHook(min=2.0, max=1.0)
