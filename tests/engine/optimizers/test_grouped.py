import pytest
import torch
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from torch import nn

from tests.helpers.tiny_training import LinearModel, make_runner
from vlplugins.engine.optimizers import ParameterGroupError, assign_parameters

SGD = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.01)


class Parts(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
        self.encoder_two = nn.Linear(2, 2)
        self.head = nn.Linear(2, 1)
        self.scale = nn.Parameter(torch.ones(1))


def build(model, groups, optimizer=SGD, rules=None, **shared):
    cfg = dict(
        constructor='vlplugins.GroupedOptimWrapperConstructor', paramwise_cfg=dict(rules or {}, groups=groups), **shared
    )
    if optimizer is not None:
        cfg['optimizer'] = dict(optimizer)
    return build_optim_wrapper(model, cfg)


def names_of(model, wrapper):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {names[id(parameter)] for group in wrapper.optimizer.param_groups for parameter in group['params']}


def test_groups_divide_the_trainable_parameters():
    model = Parts()
    model.encoder[0].bias.requires_grad_(False)
    wrappers = build(model, dict(inner=['encoder', 'scale'], outer='rest'))
    assert isinstance(wrappers, OptimWrapperDict) and list(wrappers.keys()) == ['inner', 'outer']
    # A prefix ends at a dot: encoder_two is another module. Frozen parameters have no group.
    assert names_of(model, wrappers['inner']) == {'encoder.0.weight', 'encoder.1.weight', 'encoder.1.bias', 'scale'}
    outer = {'encoder_two.weight', 'encoder_two.bias', 'head.weight', 'head.bias'}
    assert names_of(model, wrappers['outer']) == outer


def test_each_group_has_its_optimizer_clipping_and_rules():
    groups = dict(
        inner=dict(
            parameters=['encoder'], optimizer=dict(type='Adam', lr=0.5, weight_decay=0), clip_grad=dict(max_norm=1)
        ),
        outer=dict(parameters='rest', paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=2)})),
    )
    wrappers = build(Parts(), groups, rules=dict(bias_decay_mult=0.0))
    assert type(wrappers['inner'].optimizer) is torch.optim.Adam
    assert wrappers['inner'].clip_grad_kwargs == dict(max_norm=1) and not wrappers['outer'].clip_grad_kwargs
    rates = {group['lr'] for group in wrappers['outer'].optimizer.param_groups}
    assert rates == {0.1, 0.2}
    # The rules of a group go before those of all groups.
    assert {group['weight_decay'] for group in wrappers['outer'].optimizer.param_groups} == {0.01}


def test_no_decay_for_biases_of_all_groups():
    """Biases of normalisation too, its weights not: the rule by names, with ``norm_decay_mult`` left out."""
    model = Parts()
    wrappers = build(model, dict(inner=['encoder'], outer='rest'), rules=dict(bias_decay_mult=0.0))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for wrapper in wrappers.values():
        for group in wrapper.optimizer.param_groups:
            (parameter,) = group['params']
            assert group['weight_decay'] == (0.0 if names[id(parameter)].endswith('bias') else 0.01)


@pytest.mark.parametrize(
    'groups, message',
    [
        (dict(one=['encoder', 'head'], two=['head.bias'], rest='rest'), "'head.bias' is in the groups 'one' and 'two'"),
        (dict(one=['encoder', 'head', 'scale']), "2 trainable parameters are in no group: 'encoder_two.weight'"),
        (dict(one=['encodr'], two='rest'), "'encodr', which the model lacks; at its top level it has .*'encoder'"),
        (dict(one='rest', two='rest'), 'expected one at most'),
        (dict(one=['encoder', 'encoder_two', 'head', 'scale'], two='rest'), "'two' has no trainable parameter"),
        (dict(one=[], two='rest'), "'one' names no parameters"),
        ({}, 'no groups'),
    ],
)
def test_groups_that_do_not_divide_the_model_are_refused_by_name(groups, message):
    with pytest.raises(ParameterGroupError, match=message):
        build(Parts(), groups)


def test_group_without_an_optimizer_is_refused():
    with pytest.raises(ParameterGroupError, match="'two' has no optimizer"):
        build(Parts(), dict(one=dict(parameters=['head'], optimizer=SGD), two='rest'), optimizer=None)


def test_shared_parameter_counts_under_all_its_names():
    model = Parts()
    model.head = nn.Linear(2, 2)
    model.encoder_two.weight = model.head.weight
    with pytest.raises(ParameterGroupError, match='is in the groups'):
        assign_parameters(model, dict(one=['encoder_two'], two=['head'], three='rest'))
    members = assign_parameters(model, dict(one=['encoder_two.bias'], two=['head'], three='rest'))
    assert members['two'] == {id(model.head.weight), id(model.head.bias)}


def test_state_and_schedules_pass_through_the_runner(tmp_path):
    """One list of schedulers holds for all groups; the optimizers are saved and resumed with the checkpoint."""

    class TwoLayers(LinearModel):
        def train_step(self, data, optim_wrapper):
            loss = self(**self.data_preprocessor(data, True), mode='loss')['loss']
            optim_wrapper.zero_grad()
            loss.backward()
            for wrapper in optim_wrapper.values():
                wrapper.step()
            return dict(loss=loss.detach())

    def train(folder, epochs, **kwargs):
        cfg = dict(
            constructor='GroupedOptimWrapperConstructor',
            optimizer=dict(type='SGD', lr=0.1, momentum=0.9),
            paramwise_cfg=dict(groups=dict(weights=['layer.weight'], biases='rest')),
        )
        torch.manual_seed(0)
        schedule = [dict(type='MultiStepLR', by_epoch=True, milestones=[1], gamma=0.1)]
        runner = make_runner(folder, epochs, model=TwoLayers(), optim_wrapper=cfg, param_scheduler=schedule, **kwargs)
        runner.train()
        return runner

    whole = train(tmp_path / 'whole', 4)
    assert {key: value for key, value in whole.optim_wrapper.get_lr().items()}.keys() >= {'weights.lr', 'biases.lr'}
    assert whole.optim_wrapper['biases'].param_groups[0]['lr'] == pytest.approx(0.01)
    train(tmp_path / 'half', 2)
    resumed = train(tmp_path / 'rest', 4, load_from=str(tmp_path / 'half' / 'epoch_2.pth'), resume=True)
    for one, other in zip(whole.model.parameters(), resumed.model.parameters()):
        assert torch.equal(one, other)
