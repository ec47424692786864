"""What the schedules under configs/_base_ do to parameters and rates."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, PARAM_SCHEDULERS, init_default_scope

from tests.test_configs import ROOT, shrink


def optimizer_of(name):
    cfg = shrink(Config.fromfile(ROOT / 'configs/centerclip' / name))
    init_default_scope('vlplugins')
    model = MODELS.build(cfg.model)
    cfg.optim_wrapper.update(type='OptimWrapper')
    cfg.optim_wrapper.pop('loss_scale')
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = {names[id(each)]: group for group in wrapper.optimizer.param_groups for each in group['params']}
    return cfg, wrapper, groups


def test_biases_alone_have_no_decay_and_new_modules_learn_faster():
    _, _, groups = optimizer_of('ablation_sequence-transformer.py')
    decay = {name: group['weight_decay'] for name, group in groups.items()}
    assert {name for name, value in decay.items() if value == 0} == {name for name in decay if 'bias' in name}
    block = 'transformer.resblocks.1'
    for name in ('attn.in_proj_weight', 'ln_1.weight', 'mlp.c_fc.bias'):
        assert groups[f'head.{block}.{name}']['lr'] == pytest.approx(5e-3)
        assert groups[f'video_encoder.{block}.{name}']['lr'] == pytest.approx(5e-6)
    assert groups['head.logit_scale']['lr'] == pytest.approx(5e-6) and decay['head.logit_scale'] == 0.2
    assert groups['head.positional_embedding']['lr'] == pytest.approx(5e-3)


@pytest.mark.parametrize(
    'name, epochs, rate',
    [
        ('centerclip_vit-b32_b6-s4-k49_2xb64-5e_msrvtt-9k.py', 5, 5e-6),
        ('centerclip_vit-b32_b6-s15-k49_8xb16-8e_activitynet.py', 8, 1e-5),
    ],
)
def test_rate_rises_for_a_tenth_of_the_steps_and_falls_as_a_cosine(name, epochs, rate):
    """20 steps an epoch; at the middle of the fall the rate is a half."""
    cfg, wrapper, groups = optimizer_of(name)
    schedulers = [
        PARAM_SCHEDULERS.build(each, default_args=dict(optimizer=wrapper, epoch_length=20))
        if not each.get('convert_to_iter_based')
        else PARAM_SCHEDULERS.get(each['type']).build_iter_from_epoch(
            optimizer=wrapper,
            epoch_length=20,
            **{key: value for key, value in each.items() if key not in ('type', 'convert_to_iter_based')},
        )
        for each in cfg.param_scheduler
    ]
    rates, steps = [], 20 * epochs
    for _ in range(steps):
        rates.append(wrapper.optimizer.param_groups[0]['lr'])
        wrapper.optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    top, middle = steps // 10, steps // 10 + round(0.45 * steps)
    assert rates[0] == pytest.approx(1e-6 * rate) and max(rates) == pytest.approx(rate, rel=1e-3)
    assert abs(rates.index(max(rates)) - top) <= 1
    assert rates[middle] == pytest.approx(rate / 2, rel=0.05) and rates[-1] < 0.01 * rate
    assert torch.tensor(rates[top + 1 :]).diff().max() <= 0


def free_of_decay(config):
    """The model of a config, and the names of its parameters without weight decay."""
    cfg = shrink(Config.fromfile(ROOT / 'configs' / config))
    init_default_scope('vlplugins')
    model = MODELS.build(cfg.model)
    wrapper = build_optim_wrapper(model, dict(cfg.optim_wrapper, type='OptimWrapper'))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return model, {
        names[id(parameter)]
        for group in wrapper.optimizer.param_groups
        for parameter in group['params']
        if group['weight_decay'] == 0
    }


def test_embeddings_norms_and_biases_of_visa_have_no_decay():
    _, free = free_of_decay('visa/visa_i3d_b32-50e_charades-cg.py')
    for name in ('query_encoder.level_embed', 'video_encoder.position_embed', 'query_encoder.layers.0.role_embed'):
        assert name in free
    for name in ('head.norm.weight', 'query_encoder.lstm.onward.bias_hh_l0', 'head.convs.0.bias'):
        assert name in free
    for name in ('head.convs.0.weight', 'query_encoder.lstm.backward_.weight_ih_l0', 'video_encoder.slots.weight'):
        assert name not in free


def test_matrices_of_maps_alone_have_decay_in_ahgn():
    # With the table of places, which the other configs lack.
    model, free = free_of_decay('ahgn/ablation_local-positions.py')
    decayed = {name for name, _ in model.named_parameters()} - free
    maps = {name for name, part in model.named_modules() if isinstance(part, (torch.nn.Linear, torch.nn.LSTM))}
    assert {name.rpartition('.')[0] for name in decayed} == maps
    assert all(name.rpartition('.')[2] in ('weight', 'weight_ih_l0', 'weight_hh_l0') for name in decayed)
