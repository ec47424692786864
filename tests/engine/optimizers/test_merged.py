import pytest
import torch
from mmengine.optim import build_optim_wrapper
from torch import nn

from tests.helpers.tiny_training import make_runner

RULES = dict(norm_decay_mult=0.0, bias_decay_mult=0.5, custom_keys={'head': dict(lr_mult=2.0, decay_mult=0.0)})
MERGED = 'vlplugins.MergedOptimWrapperConstructor'


def parts():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 4), nn.LayerNorm(4))
    return nn.ModuleDict(dict(encoder=encoder, head=nn.Linear(4, 2)))


def build(model, constructor, rules=RULES, **options):
    optimizer = dict(type='AdamW', lr=0.1, weight_decay=0.01, **options)
    return build_optim_wrapper(model, dict(constructor=constructor, optimizer=optimizer, paramwise_cfg=dict(rules)))


def options_of(model, wrapper):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]: (group['lr'], group['weight_decay'])
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
    }


def test_each_parameter_has_the_options_of_mmengine_in_few_groups():
    model = parts()
    single, merged = build(model, 'DefaultOptimWrapperConstructor'), build(model, MERGED)
    # Plain weights; their biases; those of norms, of which mmengine gives weights and biases the same; and the head.
    assert (len(single.optimizer.param_groups), len(merged.optimizer.param_groups)) == (10, 4)
    found = options_of(model, merged)
    assert found == options_of(model, single)
    assert found['encoder.0.weight'] == (0.1, 0.01) and found['encoder.0.bias'] == (0.1, 0.005)
    assert found['encoder.1.bias'] == (0.1, 0.0) and found['head.bias'] == (0.2, 0.0)


@pytest.mark.parametrize('fused', [False, True])
def test_steps_are_those_of_single_groups(fused):
    models = []
    for constructor in ('DefaultOptimWrapperConstructor', MERGED):
        model = parts()
        wrapper = build(model, constructor, fused=fused)
        generator = torch.Generator().manual_seed(1)
        for _ in range(3):
            inputs = torch.randn(5, 3, generator=generator)
            wrapper.update_params(model['head'](model['encoder'](inputs)).square().mean())
        models.append(model)
    for one, other in zip(*(model.parameters() for model in models)):
        assert torch.equal(one, other)
    assert not torch.equal(models[1]['head'].weight, parts()['head'].weight)


def test_shared_parameter_is_refused_or_passed_once():
    model = parts()
    model['tail'] = nn.Linear(4, 2)
    model['tail'].weight = model['head'].weight
    rules = dict(norm_decay_mult=0.0)
    with pytest.raises(ValueError, match=r'a parameter \(2, 4\) belongs to several modules'):
        build(model, MERGED, rules)
    wrapper = build(model, MERGED, dict(rules, bypass_duplicate=True))
    assert sum(len(group['params']) for group in wrapper.optimizer.param_groups) == len(list(model.parameters()))


def test_frozen_parameters_are_left_out():
    model = parts()
    model['encoder'][0].requires_grad_(False)
    assert not {'encoder.0.weight', 'encoder.0.bias'} & set(options_of(model, build(model, MERGED)))


def test_schedules_and_state_pass_through_the_runner(tmp_path):
    def train(folder, epochs, **kwargs):
        optimizer = dict(type='AdamW', lr=0.1, weight_decay=0.01, fused=True)
        cfg = dict(constructor=MERGED, optimizer=optimizer, paramwise_cfg=dict(bias_decay_mult=0.0))
        torch.manual_seed(0)
        schedule = [dict(type='MultiStepLR', by_epoch=True, milestones=[1], gamma=0.1)]
        runner = make_runner(folder, epochs, optim_wrapper=cfg, param_scheduler=schedule, **kwargs)
        runner.train()
        return runner

    whole = train(tmp_path / 'whole', 4)
    assert [group['lr'] for group in whole.optim_wrapper.optimizer.param_groups] == pytest.approx([0.01, 0.01])
    train(tmp_path / 'half', 2)
    resumed = train(tmp_path / 'rest', 4, load_from=str(tmp_path / 'half' / 'epoch_2.pth'), resume=True)
    for one, other in zip(whole.model.parameters(), resumed.model.parameters()):
        assert torch.equal(one, other)
