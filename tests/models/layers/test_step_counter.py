import torch
from mmengine.runner.checkpoint import load_state_dict, weights_to_cpu
from torch import nn

from vlplugins.models.layers.step_counter import StepCounter


def test_the_count_travels_with_the_state_of_a_model_through_either_loader():
    model = nn.ModuleDict(dict(layer=nn.Linear(1, 1), steps=StepCounter()))
    model.steps.value = 7
    state = weights_to_cpu(model.state_dict())
    assert all(isinstance(each, torch.Tensor) for each in state.values())
    for load in (lambda other: other.load_state_dict(state), lambda other: load_state_dict(other, state, strict=True)):
        other = nn.ModuleDict(dict(layer=nn.Linear(1, 1), steps=StepCounter()))
        load(other)
        assert other.steps.value == 7
