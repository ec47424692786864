import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from vlplugins.engine.optimizers import update_jointly


class Scaled(OptimWrapper):
    """MMEngine's mixed-precision wrapper without its demand for a GPU."""

    def __init__(self, scale=4.0, **kwargs):
        super().__init__(**kwargs)
        self.loss_scaler = torch.amp.GradScaler('cpu', init_scale=scale)


def make(kind=OptimWrapper, options=({}, {}), **kwargs):
    parameters = [nn.Parameter(torch.tensor([3.0])), nn.Parameter(torch.tensor([4.0]))]
    wrappers = [
        kind(optimizer=torch.optim.SGD([parameter], lr=0.1), **option, **kwargs)
        for parameter, option in zip(parameters, options)
    ]
    return parameters, wrappers


def loss_of(parameters):
    """Gradients are the parameters themselves: 3 and 4, of norm 5."""
    return sum(parameter.square().sum() for parameter in parameters) / 2


@pytest.mark.parametrize('kind', [OptimWrapper, Scaled])
def test_one_backward_pass_updates_the_groups_that_are_named(kind):
    parameters, wrappers = make(kind)
    assert update_jointly(loss_of(parameters), wrappers) is None
    assert [p.item() for p in parameters] == pytest.approx([2.7, 3.6])
    parameters, wrappers = make(kind)
    update_jointly(loss_of(parameters), wrappers[:1])
    assert [p.item() for p in parameters] == pytest.approx([2.7, 4.0])


@pytest.mark.parametrize('kind', [OptimWrapper, Scaled])
def test_gradients_are_clipped_together_and_then_by_group(kind):
    parameters, wrappers = make(kind)
    norm = update_jointly(loss_of(parameters), wrappers, clip_grad=dict(max_norm=1))
    assert norm.item() == pytest.approx(5) and parameters[0].item() == pytest.approx(3 - 0.1 * 3 / 5, abs=1e-5)
    parameters, wrappers = make(kind, options=(dict(clip_grad=dict(max_norm=1)), {}))
    update_jointly(loss_of(parameters), wrappers)
    assert [p.item() for p in parameters] == pytest.approx([2.9, 3.6], abs=1e-5)


def test_loss_is_scaled_by_one_scaler_whatever_those_of_the_others_are():
    parameters, wrappers = make(Scaled)
    wrappers[1].loss_scaler = torch.amp.GradScaler('cpu', init_scale=1024.0)
    update_jointly(loss_of(parameters), wrappers)
    assert [p.item() for p in parameters] == pytest.approx([2.7, 3.6])


def test_overflow_leaves_the_step_out_and_lowers_the_scale():
    parameters, wrappers = make(Scaled)
    update_jointly(loss_of(parameters) * torch.tensor(float('inf')), wrappers)
    assert [p.item() for p in parameters] == [3.0, 4.0]
    assert wrappers[0].loss_scaler.get_scale() == 2.0


def test_what_cannot_be_sound_is_refused():
    parameters, wrappers = make()
    with pytest.raises(ValueError, match='one group'):
        update_jointly(loss_of(parameters), [])
    with pytest.raises(ValueError, match='some have none'):
        update_jointly(loss_of(parameters), [wrappers[0], make(Scaled)[1][0]])
    accumulating = make(accumulative_counts=2)[1]
    with pytest.raises(ValueError, match='accumulative_counts'):
        update_jointly(loss_of(parameters), accumulating)
