import pytest
import torch
from mmengine.optim import OptimWrapper

from tests.helpers.poses import poses_before_camera
from tests.helpers.processes import run_distributed
from vlplugins.models.algorithms.pose_lifter_generator import PoseGULifter, pose_errors
from vlplugins.registry import MODELS
from vlplugins.structures.pose_lifting_data_sample import PoseLiftingDataSample
from vlplugins.structures.skeleton_layout import H36M16

BACKBONE, HEAD = dict(type='SemGCN', channels=16, num_blocks=1), dict(type='PoseLiftHead')


def build(**changes):
    torch.manual_seed(0)
    options = dict(type='PoseGULifter', backbone=BACKBONE, head=HEAD, **changes)
    model = MODELS.build(options)
    if model.generator is not None:
        model.generator.set_seeds(*poses_before_camera(16))
    return model


def batch(count=8, generated=0, seed=0):
    poses, _ = poses_before_camera(count, seed)
    inputs = [2.29 * pose[:, :2] / pose[:, 2:] for pose in poses]
    samples = [
        PoseLiftingDataSample(
            gt_keypoints_3d=pose - pose[0],
            weight=torch.tensor(1.0 + index),
            is_generated=torch.tensor(index >= count - generated),
        )
        for index, pose in enumerate(poses)
    ]
    return dict(inputs=inputs, data_samples=samples)


def losses_of(model, data):
    return model(**model.data_preprocessor(data, True), mode='loss')


def test_error_by_hand():
    target = torch.zeros(2, 4, 3)
    predicted = target.clone()
    predicted[1, 0] = torch.tensor([3.0, 4.0, 0.0])
    assert pose_errors(predicted, target).tolist() == [0.0, pytest.approx(25 / 12)]
    assert pose_errors(predicted, target, 'mpjpe').tolist() == [pytest.approx(0, abs=1e-5), pytest.approx(1.25)]


def test_real_pairs_alone():
    model, data = build(), batch()
    losses = losses_of(model, data)
    assert set(losses) == {'loss_real'}
    prepared = model.data_preprocessor(data, True)
    expected = (model(prepared['inputs']) - prepared['targets']['keypoints_3d']).square().mean()
    torch.testing.assert_close(losses['loss_real'], expected)


def test_generated_pairs_of_the_batch_have_their_own_loss():
    model = build(crm_loss=dict(type='CounterfactualRiskLoss', clip=None)).eval()
    data = batch(8, generated=3)
    losses = losses_of(model, data)
    prepared = model.data_preprocessor(data, True)
    errors = pose_errors(model(prepared['inputs']), prepared['targets']['keypoints_3d'])
    torch.testing.assert_close(losses['loss_real'], errors[:5].mean())
    weights = torch.tensor([6.0, 7.0, 8.0])
    torch.testing.assert_close(losses['loss_crm_risk'], (weights * errors[5:]).sum() / weights.sum())
    plain = build(crm_loss=dict(type='CounterfactualRiskLoss', estimator='mean')).eval()
    torch.testing.assert_close(losses_of(plain, data)['loss_crm_risk'], errors[5:].mean())


ONLINE = dict(
    generator=dict(type='PoseGenerator'), crm_loss=dict(type='CounterfactualRiskLoss'), online=True, num_generated=12
)


@pytest.mark.parametrize('mix', ['joint', 'separate'])
def test_online_generation_learns(mix):
    model = build(mix=mix, **ONLINE)
    wrapper = OptimWrapper(torch.optim.Adam(model.parameters(), lr=1e-3))
    log = model.train_step(batch(), wrapper)
    assert {'loss', 'loss_real', 'loss_crm_risk', 'loss_crm_var', 'crm/ess', 'gen/reject_rate', 'gen/valid'} <= set(log)
    assert log['loss'].item() == pytest.approx(sum(log[key].item() for key in log if key.startswith('loss_')), rel=1e-5)
    assert log['gen/diversity'] > 50 and 0 < log['crm/ess'] <= 1


@pytest.mark.parametrize('mix', ['joint', 'separate'])
def test_a_lone_pose_is_left_out_with_a_count(mix):
    """Not beside generated ones with which it shares statistics."""
    tcn = dict(type='mmpose.TCN', in_channels=32, stem_channels=16, num_blocks=1, kernel_sizes=(1, 1), dropout=0.0)
    pytest.importorskip('mmpose')
    model = build(**ONLINE, mix=mix)
    model.backbone, model.head = MODELS.build(tcn), MODELS.build(dict(HEAD, in_channels=16))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = losses_of(model, batch(1))
    total, _ = model.parse_losses(losses)
    total.backward()
    left_out = mix == 'separate'
    assert model.num_skipped == left_out and (float(total.detach()) == 0) == left_out
    assert all((not each.grad.any()) == left_out for each in model.backbone.parameters() if each.dim() > 1)
    same = all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert same == left_out
    assert model.eval().forward(**model.data_preprocessor(batch(1)), mode='loss')['loss_real'] > 0


def test_statistics_of_batches_are_shared_or_not():
    """One forward pass over 8 + 12 poses, or two: the running means differ."""
    seen = {}
    for mix in ('joint', 'separate'):
        model = build(mix=mix, **ONLINE)
        torch.manual_seed(1)
        losses_of(model.train(), batch())
        bn = model.backbone.gconv_input[0].bn
        seen[mix] = bn.num_batches_tracked.item(), bn.running_mean.clone()
    assert seen['joint'][0] == 1 and seen['separate'][0] == 2
    assert not torch.allclose(seen['joint'][1], seen['separate'][1])


def test_switches_choose_what_is_learned_from():
    model = build(**ONLINE)
    expected = dict(both={'loss_real', 'loss_crm_risk', 'loss_crm_var'}, real={'loss_real'})
    expected['generated'] = expected['both'] - expected['real']
    for active, names in expected.items():
        model.active = active
        assert {key for key in losses_of(model, batch()) if key.startswith('loss')} == names
    model.active, model.generation_enabled = 'both', False
    assert set(losses_of(model, batch())) == {'loss_real'}


def test_random_numbers_follow_from_the_seed():
    model = build(**ONLINE).eval()
    values = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        values.append(losses_of(model, batch())['loss_crm_risk'].item())
    assert values[0] == values[1] != values[2]


def test_weights_without_generator_load_strictly_and_predict():
    trained, bare = build(**ONLINE), build()
    assert set(trained.state_dict()) == set(bare.state_dict())
    bare.load_state_dict(trained.state_dict(), strict=True)
    data = batch()
    both = [model.eval().test_step(data) for model in (trained, bare)]
    for one, other in zip(*both):
        assert torch.equal(one.pred_keypoints_3d, other.pred_keypoints_3d)
        assert (one.pred_keypoints_3d[0] == 0).all()


def test_prediction_is_averaged_with_that_of_the_mirror():
    data = batch()
    model, plain = build(test_cfg=dict(flip_test=True)).eval(), build().eval()
    flip = list(H36M16.flip_indices)
    inputs = torch.stack(data['inputs'])
    mirrored = (inputs * torch.tensor([-1.0, 1.0]))[:, flip]
    lifted = plain(inputs.flatten(1)[..., None])
    back = plain(mirrored.flatten(1)[..., None])[:, flip] * torch.tensor([-1.0, 1.0, 1.0])
    expected = (lifted + back) / 2
    expected = expected - expected[:, :1]
    found = torch.stack([sample.pred_keypoints_3d for sample in model.test_step(data)])
    torch.testing.assert_close(found, expected.detach())


@pytest.mark.parametrize('lifter', ['mmpose', 'ours'])
def test_lifters_of_mmpose(lifter):
    pytest.importorskip('mmpose')
    backbone = dict(type='mmpose.TCN', in_channels=32, stem_channels=16, num_blocks=1, kernel_sizes=(1, 1), dropout=0.1)
    head = dict(type='PoseLiftHead', in_channels=16)
    if lifter == 'mmpose':
        loss = dict(type='mmpose.MPJPELoss')
        head = dict(type='mmpose.TemporalRegressionHead', in_channels=16, num_joints=16, loss=loss)
    torch.manual_seed(0)
    model = MODELS.build(dict(ONLINE, type='PoseGULifter', backbone=backbone, head=head))
    model.generator.set_seeds(*poses_before_camera(16))
    losses = losses_of(model, batch())
    total, _ = model.parse_losses(losses)
    total.backward()
    assert all(each.grad is not None for each in model.parameters())
    assert len(model.eval().test_step(batch())) == 8


def test_half_precision():
    model = build(**ONLINE)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = losses_of(model, batch())
    total, _ = model.parse_losses(losses)
    total.backward()
    assert total.isfinite() and total.dtype == torch.float32


def test_compiles():
    model = build().eval()
    compiled = torch.compile(model.lift, backend='eager', fullgraph=True)
    inputs = torch.randn(2, 32, 1)
    torch.testing.assert_close(compiled(inputs), model.lift(inputs))


def gradient(rank, world_size):
    """Gradients of the generated part when the batch is divided among processes; no statistics across the batch."""
    model = build(crm_loss=dict(type='CounterfactualRiskLoss')).eval()
    data = batch(12, generated=12)
    rows = slice(None) if world_size == 1 else slice(rank * 6, rank * 6 + 6)
    part = {key: value[rows] for key, value in data.items()}
    losses = losses_of(model, part)
    (losses['loss_crm_risk'] + losses['loss_crm_var']).backward()
    return [each.grad for each in model.parameters()]


def test_two_processes_equal_one():
    alone, (first, second) = gradient(0, 1), run_distributed(gradient)
    for one, left, right in zip(alone, first, second):
        torch.testing.assert_close((left + right) / 2, one, atol=1e-6, rtol=1e-3)


def test_wrong_arguments():
    with pytest.raises(ValueError, match='generator'):
        build(online=True)
    with pytest.raises(ValueError, match='mix'):
        build(mix='both')
    model = build()
    with pytest.raises(ValueError, match='no poses in space'):
        model(torch.zeros(1, 32, 1), mode='loss')
    with pytest.raises(ValueError, match='mode'):
        model(torch.zeros(1, 32, 1), mode='fit')
    assert isinstance(model, PoseGULifter)
