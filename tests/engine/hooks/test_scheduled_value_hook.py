import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from tests.helpers.tiny_training import make_runner
from vlplugins.engine.hooks.scheduled_value_hook import ScheduledValueHook, read, resolve_path, write


@pytest.mark.parametrize(
    'arguments, progress, expected',
    [
        (dict(schedule='constant', start_value=3.0), 7, 3.0),
        (dict(schedule='step', start_value='a', end_value='b', begin=5), 4.9, 'a'),
        (dict(schedule='step', start_value='a', end_value='b', begin=5), 5, 'b'),
        (dict(schedule='linear', start_value=1.0, end_value=3.0, begin=2, end=6), 1, 1.0),
        (dict(schedule='linear', start_value=1.0, end_value=3.0, begin=2, end=6), 3, 1.5),
        (dict(schedule='linear', start_value=1.0, end_value=3.0, begin=2, end=6), 9, 3.0),
        # The momentum of MoCo v3: 1 - 0.5 (1 + cos(pi e / E)) (1 - 0.99)
        (dict(schedule='cosine', start_value=0.99, end_value=1.0), 0, 0.99),
        (dict(schedule='cosine', start_value=0.99, end_value=1.0), 5, 0.995),
        (dict(schedule='cosine', start_value=0.99, end_value=1.0), 2, 1 - 0.5 * (1 + math.cos(math.pi * 0.2)) * 0.01),
        (dict(schedule='cosine', start_value=0.99, end_value=1.0), 10, 1.0),
        # Two cycles of 4: up in 2, held for 2.
        (dict(schedule='cyclic', begin=2, cycles=2), 1, 0.0),
        (dict(schedule='cyclic', begin=2, cycles=2), 3, 0.5),
        (dict(schedule='cyclic', begin=2, cycles=2), 5, 1.0),
        (dict(schedule='cyclic', begin=2, cycles=2), 6, 0.0),
        (dict(schedule='cyclic', begin=2, cycles=2), 7, 0.5),
        (dict(schedule='cyclic', begin=2, cycles=2), 10, 1.0),
    ],
)
def test_value_is_a_function_of_progress(arguments, progress, expected):
    value = ScheduledValueHook('x', **arguments).value_at(progress, total=10)
    assert value == expected if isinstance(expected, str) else value == pytest.approx(expected, rel=1e-12)


def test_paths_reach_attributes_keys_and_items():
    model = nn.ModuleDict(dict(head=nn.Linear(1, 1)))
    model.options = dict(weights=[1.0, 2.0])
    assert read(*resolve_path(model, 'head.in_features')[0]) == 1
    assert read(*resolve_path(model, 'options.weights.1')[0]) == 2.0
    for pair in resolve_path(model, 'options.weights.*'):
        write(*pair, 5.0)
    assert model.options['weights'] == [5.0, 5.0]


@pytest.mark.parametrize(
    'path, message', [('layer.wieght', 'wieght.*weight'), ('loss_module.x', 'loss_module.x'), ('a.b', "'a' does not")]
)
def test_path_that_does_not_exist_fails_before_training(tmp_path, path, message):
    with pytest.raises(AttributeError, match=message):
        make_runner(tmp_path, hooks=[dict(type='ScheduledValueHook', path=path)]).train()


def test_buffer_is_filled_in_place_and_follows_the_iterations(tmp_path):
    hook = dict(type='ScheduledValueHook', path='scale', start_value=1.0, end_value=9.0, by='iter')
    runner = make_runner(tmp_path, epochs=4, hooks=[hook])
    model = runner.train()
    assert [scale for _, scale, _ in model.seen] == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8])
    assert isinstance(model.scale, torch.Tensor) and 'scale' in dict(model.named_buffers())


def test_fractional_epochs_and_share_of_training_agree(tmp_path):
    values = []
    for by, end in (('epoch', 4), ('progress', 1)):
        hook = dict(type='ScheduledValueHook', path='scale', start_value=0.0, end_value=1.0, end=end, by=by)
        values.append([scale for _, scale, _ in make_runner(tmp_path, hooks=[hook]).train().seen])
    assert values[0] == pytest.approx(values[1]) and values[0][1] == pytest.approx(1 / 8)


def test_a_ramp_over_a_thousand_iterations_and_one_that_begins_in_the_middle():
    """That of consensus in TEL: nothing for 3 tenths, within a tenth to the full weight; the model asks for no time."""
    model = nn.Module()
    model.consensus_loss = nn.Module()
    model.consensus_loss.loss_weight = 7.0
    runner = SimpleNamespace(model=model, iter=0, max_iters=1000, message_hub=MessageHub('ramp'), logger=None)
    cfg = dict(path='consensus_loss.loss_weight', end_value=0.5, begin=0.3, end=0.4, by='progress')
    hook, seen = ScheduledValueHook(**cfg), []
    hook.before_train(runner)
    for runner.iter in range(1000):
        hook.before_train_iter(runner, runner.iter)
        seen.append(model.consensus_loss.loss_weight)
    expected = [0.0] * 300 + [0.5 * step / 100 for step in range(100)] + [0.5] * 600
    assert seen == pytest.approx(expected, abs=1e-9)
    logged, _ = runner.message_hub.get_scalar('train/consensus_loss.loss_weight').data
    assert list(logged) == pytest.approx(expected, abs=1e-9)
    # A run that is resumed at iteration 350 has no state to find.
    runner.iter, resumed = 350, ScheduledValueHook(**cfg)
    resumed.before_train(runner)
    assert model.consensus_loss.loss_weight == pytest.approx(expected[350])


def test_optimizer_groups_are_reached(tmp_path):
    hook = dict(type='ScheduledValueHook', path='optim_wrapper.param_groups.*.weight_decay', schedule='constant')
    hook['start_value'] = 0.25
    runner = make_runner(tmp_path, hooks=[hook])
    runner.train()
    assert [group['weight_decay'] for group in runner.optim_wrapper.param_groups] == [0.25]


@pytest.mark.parametrize(
    'arguments', [dict(schedule='exp'), dict(by='step'), dict(begin=3, end=2), dict(schedule='Linear'), dict(cycles=0)]
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(ValueError):
        ScheduledValueHook('x', **arguments)
