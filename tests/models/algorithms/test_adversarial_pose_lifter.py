import copy

import pytest
import torch

from tests.helpers.poses import poses_before_camera
from tests.models.algorithms.test_pose_lifter_generator import BACKBONE, HEAD, batch
from vlplugins.engine.optimizers import GroupedOptimWrapperConstructor
from vlplugins.registry import MODELS

GENERATOR = dict(
    type='PoseGenerator',
    posture=dict(type='MLPPosePolicy', width=16),
    size=dict(type='MLPBoneLengthSampler', width=16),
    view=dict(type='MLPViewSampler', width=16),
    propensity=None,
    max_retry=0,
)
GROUPS = dict(
    lifter=['backbone', 'head'],
    generator=['generator'],
    discriminator3d=['discriminator3d'],
    discriminator2d=['discriminator2d'],
)


def build(**changes):
    torch.manual_seed(0)
    options = dict(
        type='AdversarialPoseGULifter',
        backbone=BACKBONE,
        head=HEAD,
        generator=GENERATOR,
        discriminator3d=dict(type='PartKCSDiscriminator', width=16),
        discriminator2d=dict(type='Pose2DDiscriminator', width=16),
        pool_size=16,
    )
    model = MODELS.build({**options, **changes}).train()
    model.generator.set_seeds(*poses_before_camera(16))
    constructor = GroupedOptimWrapperConstructor(
        dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3), clip_grad=dict(max_norm=1.0)),
        dict(groups=GROUPS),
    )
    return model, constructor(model)


def moved(before, model, prefix):
    after = model.state_dict()
    return any(not torch.equal(before[name], after[name]) for name in before if name.startswith(prefix))


PARTS = ('backbone', 'generator.posture', 'generator.size', 'generator.view', 'discriminator3d', 'discriminator2d')


def test_all_parts_learn_and_discriminators_every_second_time():
    model, wrappers = build()
    for step, learning in ((0, PARTS), (1, PARTS[:4])):
        before = copy.deepcopy(model.state_dict())
        log = model.train_step(batch(), wrappers)
        assert all(value.isfinite().all() for value in log.values())
        assert [part for part in PARTS if moved(before, model, part)] == list(learning), step
    assert {'loss_real', 'loss_crm_risk', 'generator_gan3d', 'generator_range', 'generator_view_feedback'} <= set(log)
    assert int(model.steps) == 2 and all(each.requires_grad for each in model.parameters())


def test_warm_up_leaves_the_lifter_alone():
    model, wrappers = build(lifter_enabled=False)
    before = copy.deepcopy(model.state_dict())
    log = model.train_step(batch(), wrappers)
    assert not moved(before, model, 'backbone') and moved(before, model, 'generator')
    assert 'loss_real' not in log and 'generator_posture_feedback' not in log
    assert 'discriminator3d' in log


@pytest.mark.parametrize('mode', ['eval', 'train'])
def test_step_of_the_generator_touches_nothing_else(mode):
    model, wrappers = build(feedback_bn=mode)
    before = copy.deepcopy(model.state_dict())
    model._generator_step(8, torch.Generator().manual_seed(0), wrappers)
    others = [model.backbone, model.head, model.discriminator3d, model.discriminator2d]
    assert all(each.grad is None for other in others for each in other.parameters())
    statistics = any(
        not torch.equal(before[name], value)
        for name, value in model.state_dict().items()
        if name.startswith('backbone') and 'running' in name
    )
    assert statistics == (mode == 'train') and model.backbone.training


def test_fakes_that_discriminators_see_are_detached():
    model, wrappers = build()
    rng = torch.Generator().manual_seed(0)
    _, fakes = model._generator_step(8, rng, wrappers)
    before = {name: each.clone() for name, each in model.generator.named_parameters()}
    model.generator.zero_grad()
    model._discriminator_steps(model.data_preprocessor(batch(), True), fakes, rng, wrappers)
    assert not model.pool3d.stored.requires_grad and model.pool3d.filled == 8
    assert all(each.grad is None or not each.grad.any() for each in model.generator.parameters())
    assert all(torch.equal(before[name], each) for name, each in model.generator.named_parameters())


def test_learned_policy_can_be_weighed():
    # An untrained view puts nobody before the camera.
    weighed = {**GENERATOR, 'propensity': dict(type='PosePropensity'), 'view': dict(type='ViewSampler')}
    model, wrappers = build(generator=weighed, crm_loss=dict(type='CounterfactualRiskLoss'))
    log = model.train_step(batch(), wrappers)
    assert log['crm/ess'] > 0 and log['loss_crm_risk'].isfinite() and model.generator.training


def test_a_resumed_run_goes_on_in_turn():
    model, wrappers = build()
    model.train_step(batch(), wrappers)
    again, wrappers = build()
    again.load_state_dict(model.state_dict())
    assert 'discriminator3d' not in again.train_step(batch(), wrappers)


def test_other_optimizers_are_refused():
    model, wrappers = build()
    with pytest.raises(ValueError, match='GroupedOptimWrapperConstructor'):
        model.train_step(batch(), wrappers['lifter'])
    with pytest.raises(ValueError, match='d_interval'):
        build(d_interval=0)
