import copy

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement

from tests.helpers.processes import run_distributed
from vlplugins.models.layers.pooling import pooled_features
from vlplugins.registry import MODELS

WIDTHS = (1.0, 0.5)
BACKBONE = dict(
    type='SlimmableResNet', depth=18, base_channels=8, stage_blocks=(1, 1), stem='small', widths=WIDTHS, in_channels=1
)
NECK = dict(type='SlimmableMLPNeck', in_channels=16, hid_channels=16, out_channels=6, widths=WIDTHS, init_std=None)
LOSS = dict(type='SlimmableContrastiveLoss', temperature=0.2, distill=dict(type='LogitKLDistill'))
SYNC = dict(with_bn=True, last_bn=True, sync_bn=True, bias=False)


def moco(**kwargs):
    torch.manual_seed(0)
    model = dict(type='SlimmableMoCo', backbone=BACKBONE, neck=NECK, loss=LOSS, queue_len=12, feat_dim=6, momentum=0.9)
    return MODELS.build({**model, **kwargs})


def mocov3(backbone=None, neck=None, predictor=None, **kwargs):
    torch.manual_seed(0)
    predictor = dict(NECK, in_channels=6, slim_input=False, avg_pool=False, **SYNC, **(predictor or {}))
    predictor['last_bn'] = False
    loss = dict(
        LOSS,
        temperature=1.0,
        scale=2.0,
        distill_on='logits',
        distill=dict(type='LogitKLDistill', tau_teacher=1.0, tau_student=1.0),
    )
    model = dict(
        type='SlimmableMoCoV3',
        backbone=dict(BACKBONE, norm_cfg=dict(type='SyncBN')),
        neck=dict(NECK, **SYNC),
        predictor=predictor,
        loss=loss,
    )
    return MODELS.build({**model, **kwargs})


def simclr(**kwargs):
    torch.manual_seed(0)
    model = dict(
        type='SlimmableSimCLR',
        backbone=dict(BACKBONE, norm_cfg=dict(type='SyncBN')),
        neck=dict(NECK, with_bn=True, last_bn=True, last_bn_affine=True, sync_bn=True, bias=[True, False]),
        loss=dict(LOSS, temperature=0.1),
    )
    return MODELS.build({**model, **kwargs})


@pytest.fixture
def views():
    torch.manual_seed(1)
    return [torch.randn(4, 1, 8, 8), torch.randn(4, 1, 8, 8)]


def total(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def encode(encoder, images, width):
    return F.normalize(encoder['neck'](encoder['backbone'](images, width), width), dim=1)


def test_moco_step_follows_the_algorithm_line_by_line(views):
    model = moco()
    with torch.no_grad():
        for p in model.neck.parameters():
            p.add_(0.1)  # the query encoder has moved since the last step
    reference = copy.deepcopy(model)
    losses = model(views, mode='loss')

    key = copy.deepcopy(reference.key_encoder.module)
    query = reference._query_encoder()
    with torch.no_grad():
        for own, other in zip(key.parameters(), query.parameters()):
            own.copy_(0.9 * own + 0.1 * other)
        keys = encode(key, views[1], 1.0)
    expected = 0.0
    similarities = {}
    for width, weight in zip(WIDTHS, (1.5, 1.0)):
        queries = encode(query, views[0], width)
        rows = [[queries[i] @ keys[i], *(queries[i] @ reference.queue)] for i in range(4)]
        similarities[width] = torch.stack([torch.stack(row) for row in rows])
        contrast = -torch.log_softmax(similarities[width] / 0.2, 1)[:, 0].mean()
        if width == 1.0:
            expected += weight * contrast
        else:
            teacher = torch.softmax(similarities[1.0].detach() / 5, 1)
            distance = -25 * (teacher * torch.log_softmax(similarities[width] / 5, 1)).sum(1).mean()
            expected += weight * (contrast + distance) / 2
    torch.testing.assert_close(total(losses), expected)
    torch.testing.assert_close(model.queue[:, :4], keys.T)
    assert torch.equal(model.queue[:, 4:], reference.queue[:, 4:]) and int(model.queue_ptr) == 4


def test_queue_is_filled_once_a_step_and_wraps(views):
    model = moco()
    for step in range(3):
        model(views, mode='loss')
        assert int(model.queue_ptr) == (4 * (step + 1)) % 12


def test_queue_that_the_batch_does_not_divide_is_refused(views):
    with pytest.raises(ValueError, match=r'queue_len 10 .* batch 4; nearest: 8'):
        moco(queue_len=10)(views, mode='loss')


def test_key_encoder_starts_equal_and_has_no_gradient(views):
    model = moco()
    model.init_weights()
    query = model._query_encoder().state_dict()
    assert all(torch.equal(value, query[name]) for name, value in model.key_encoder.module.state_dict().items())
    total(model(views, mode='loss')).backward()
    assert not any(p.requires_grad or p.grad is not None for p in model.key_encoder.parameters())


def test_keys_run_at_full_width_alone(views):
    model = moco()
    model(views, mode='loss')
    norms = [m for m in model.key_encoder.modules() if type(m).__name__ == 'SwitchableBatchNorm2d']
    assert norms and all([int(norm.num_batches_tracked) for norm in m.bn] == [1, 0] for m in norms)


@pytest.mark.parametrize('make', [moco, mocov3, simclr])
def test_sleeping_subnetworks_do_not_run(make, views):
    model = make()
    model.subnets_enabled = False
    losses = model(views, mode='loss')
    norms = [m for m in model.backbone.modules() if type(m).__name__ == 'SwitchableBatchNorm2d']
    assert all(int(m.bn[1].num_batches_tracked) == 0 and int(m.bn[0].num_batches_tracked) > 0 for m in norms)
    assert losses['loss_w0.50'].item() == 0
    directions = 2 if make is mocov3 else 1  # logged values are averaged over both, losses added
    torch.testing.assert_close(losses['loss_w1.00'], directions * losses['clr_w1.00'], rtol=1e-7, atol=0)


@pytest.mark.parametrize('make', [moco, mocov3, simclr])
def test_gradients_reach_every_query_parameter(make, views):
    model = make()
    for block in [model.backbone.layer1[0], model.backbone.layer2[0]]:
        for norm in block.bn2.bn:
            torch.nn.init.ones_(norm.weight)  # zero-initialised branches pass no gradient on
    total(model(views, mode='loss')).backward()
    lacking = [
        name
        for name, p in model.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.abs().sum() > 0)
    ]
    assert not lacking


def test_teacher_role_sends_no_gradient_to_weights_of_the_full_network_alone(views):
    loss = dict(LOSS, distill_weight=1.0, reweight='none')
    model = moco(loss=loss)
    model(views, mode='loss')['loss_w0.50'].backward()
    grad = model.backbone.conv1.weight.grad
    assert grad[:4].abs().sum() > 0 and grad[4:].abs().sum() == 0


def test_mocov3_equals_the_symmetric_loss_of_the_paper(views):
    model = mocov3()
    reference = copy.deepcopy(model)
    losses = model(views, mode='loss')
    # The momentum update moves nothing: the key encoder starts equal to the query encoder.
    keys = [encode(reference.key_encoder.module, view, 1.0).detach() for view in views]
    query = reference._query_encoder()

    def predict(view, width):
        projected = query['neck'](query['backbone'](view, width), width)
        return F.normalize(reference.predictor(projected, width), dim=1)

    expected = 0.0
    for view, key in ((views[0], keys[1]), (views[1], keys[0])):
        rows = {width: predict(view, width) @ key.T for width in WIDTHS}
        contrast = {width: 2 * F.cross_entropy(row, torch.arange(4)) for width, row in rows.items()}
        distance = -(rows[1.0].detach().softmax(1) * rows[0.5].log_softmax(1)).sum(1).mean()
        expected += 1.5 * contrast[1.0] + 0.5 * contrast[0.5] + 0.5 * distance
    torch.testing.assert_close(total(losses), expected)
    assert model.neck.bn1.bn[0].weight is None and not hasattr(model.predictor, 'bn1')


def test_simclr_equals_the_double_loop(views):
    model = simclr(loss=dict(LOSS, temperature=0.1, distill=None, reweight='none'))
    reference = copy.deepcopy(model)
    losses = model(views, mode='loss')
    for width in WIDTHS:
        z = encode(reference._modules, torch.cat(views), width)
        expected = 0.0
        for i in range(8):
            others = [torch.exp(z[i] @ z[j] / 0.1) for j in range(8) if j != i]
            expected -= torch.log(torch.exp(z[i] @ z[(i + 4) % 8] / 0.1) / sum(others)) / 8
        torch.testing.assert_close(losses[f'loss_w{width:.2f}'], expected)


@pytest.mark.parametrize('make', [mocov3, simclr])
def test_several_teachers_are_refused_where_the_method_has_none(make):
    with pytest.raises(ValueError, match='all_wider'):
        make(loss=dict(LOSS, teachers='all_wider'))


def test_batch_of_split_statistics_equals_parts_of_their_own(views):
    model = moco(bn_splits=2, shuffle_bn=False)
    key = copy.deepcopy(model.key_encoder.module)
    expected = torch.cat([encode(key, part, 1.0) for part in views[1].chunk(2)])
    torch.testing.assert_close(model.make_keys(views[1]), expected)
    with pytest.raises(ValueError, match='bn_splits'):
        moco(bn_splits=3)(views, mode='loss')


def test_shuffling_on_one_process_changes_nothing(views):
    torch.testing.assert_close(moco(shuffle_bn=True).make_keys(views[1]), moco(shuffle_bn=False).make_keys(views[1]))


@pytest.mark.parametrize('inputs', [torch.randn(4, 1, 8, 8), [torch.randn(4, 1, 8, 8)]])
def test_one_view_points_to_the_transform(inputs):
    with pytest.raises(ValueError, match='MultiView'):
        moco()(inputs, mode='loss')


def test_single_image_is_refused():
    with pytest.raises(ValueError, match='batch_size'):
        moco()([torch.randn(1, 1, 8, 8)] * 2, mode='loss')


def test_prediction_puts_features_of_every_width_into_the_samples(views):
    model = moco().eval()
    samples = model(views[0], [BaseDataElement() for _ in range(4)], mode='predict')
    for width, size in ((1.0, 16), (0.5, 8)):
        expected = pooled_features(model.backbone(views[0], width))
        assert expected.shape == (4, size)
        torch.testing.assert_close(torch.stack([sample.features[width] for sample in samples]), expected)


@pytest.mark.parametrize('make', [moco, mocov3, simclr])
def test_training_step_in_bfloat16(make, views):
    model = make()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        loss = total(model(views, mode='loss'))
    loss.backward()
    assert loss.dtype == torch.float and loss.isfinite()
    reference = total(make()(views, mode='loss'))
    torch.testing.assert_close(loss, reference, rtol=0.05, atol=0.05)


@pytest.mark.parametrize('make', [moco, mocov3, simclr])
def test_round_trip_of_the_state(make, views):
    model, other = make(), make()
    model(views, mode='loss')
    other.load_state_dict(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values()))


def _gradients_on_joined_batch(rank, world, make_name, images):
    model = {'mocov3': mocov3, 'simclr': simclr}[make_name]()
    size = images[0].size(0) // world
    losses = model([view[rank * size : (rank + 1) * size] for view in images], mode='loss')
    total(losses).backward()
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    for grad in gradients.values():
        if world > 1:
            torch.distributed.all_reduce(grad)
            grad /= world
    loss = total(losses).detach()
    if world > 1:
        torch.distributed.all_reduce(loss)
    buffers = {name: b for name, b in model.named_buffers() if 'running' in name}
    return loss / world, gradients, buffers


@pytest.mark.parametrize('make_name', ['mocov3', 'simclr'])
def test_two_processes_equal_one_on_the_joined_batch(make_name):
    torch.manual_seed(3)
    images = [torch.randn(8, 1, 8, 8), torch.randn(8, 1, 8, 8)]
    expected_loss, expected_gradients, expected_buffers = _gradients_on_joined_batch(0, 1, make_name, images)
    for loss, gradients, buffers in run_distributed(_gradients_on_joined_batch, 2, make_name, images):
        torch.testing.assert_close(loss, expected_loss, rtol=1e-5, atol=1e-5)
        assert gradients.keys() == expected_gradients.keys()
        for name, grad in gradients.items():
            torch.testing.assert_close(grad, expected_gradients[name], rtol=1e-4, atol=1e-5)
        for name, buffer in buffers.items():
            torch.testing.assert_close(buffer, expected_buffers[name], rtol=1e-5, atol=1e-5)


def _moco_queue(rank, world, images):
    model = moco(queue_len=16)
    size = images[0].size(0) // world
    part = [view[rank * size : (rank + 1) * size] for view in images]
    model(part, mode='loss')
    model.eval()
    keys = model.make_keys(part[1])
    model.enqueue(keys)
    return model.queue, keys


def test_queues_are_equal_on_both_processes_and_hold_all_keys():
    """Batch statistics differ per process by design, so keys are compared in eval mode, where they cannot."""
    torch.manual_seed(3)
    images = [torch.randn(8, 1, 8, 8), torch.randn(8, 1, 8, 8)]
    (queue, keys), (other_queue, other_keys) = run_distributed(_moco_queue, 2, images)
    assert torch.equal(queue, other_queue)
    torch.testing.assert_close(queue[:, 8:16].T, torch.cat([keys, other_keys]))
