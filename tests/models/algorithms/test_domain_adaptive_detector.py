import copy

import pytest
import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from torch import nn

pytest.importorskip('mmdet')

from tests.helpers.domain_detectors import (  # noqa: E402
    INVARIANT,
    STAGES,
    detector_cfg,
    head,
    make_batch,
    make_detector,
    make_sample,
    make_wrappers,
)
from vlplugins.models.algorithms.stages import make_stages, train_stages  # noqa: E402
from vlplugins.registry import MODELS  # noqa: E402


def preprocessed(detector, batch=None):
    return detector.data_preprocessor(batch or make_batch(), True)


def losses_of(detector, batch=None, stage=0):
    torch.manual_seed(7)
    return detector(**preprocessed(detector, batch), mode='loss', stage=stage)


def total(losses):
    return sum(value for key, value in losses.items() if 'loss' in key)


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def is_invariant(name):
    return any(name == prefix or name.startswith(prefix + '.') for prefix in INVARIANT)


def test_one_iteration_has_both_stages_and_their_entries_add_up():
    """Not two phases of training: the second stage is in the log of the first iteration."""
    detector = make_detector()
    log = detector.train_step(make_batch(), make_wrappers(detector))
    for stage in ('s1', 's2'):
        terms = [value for key, value in log.items() if key.startswith(f'{stage}.loss_')]
        assert torch.allclose(sum(terms), log[f'{stage}.loss'])
    ends = ('base_source', 'base_target', 'specific_source', 'specific_target', 'pixel_source', 'pixel_target')
    names = {'rpn_cls', 'rpn_bbox', 'cls_di', 'bbox_di', 'cls_base', 'bbox_base', *(f'domain_{end}' for end in ends)}
    assert {key for key in log if key.startswith('s1.loss_')} == {f's1.loss_{name}' for name in names}
    second = {'rpn_cls', 'rpn_bbox', 'cls_di', 'bbox_di', 'domain_specific_source', 'domain_specific_target'}
    second |= {'orth_source', 'orth_target'}
    assert {key for key in log if key.startswith('s2.loss_')} == {f's2.loss_{name}' for name in second}


def test_second_stage_moves_the_invariant_modules_alone(monkeypatch):
    detector, snapshots = make_detector(), []
    # A large step: gradients behind the losses of domains are small.
    wrappers = make_wrappers(detector, lr=1.0)
    forward = detector.forward
    monkeypatch.setattr(
        detector, 'forward', lambda *args, **kwargs: snapshots.append(state(detector)) or forward(*args, **kwargs)
    )
    detector.train_step(make_batch(), wrappers)
    snapshots.append(state(detector))
    first, second, last = snapshots
    trained = [name for name, parameter in detector.named_parameters() if parameter.requires_grad]
    # A bias before a normalisation has no gradient but rounding.
    assert sum(not torch.equal(first[name], second[name]) for name in trained) > 0.9 * len(trained)
    for name in trained:
        if not is_invariant(name):
            assert torch.equal(second[name], last[name]), name
    for prefix in ('decomposer', 'specific_classifier', 'roi_head.invariant.bbox_head.fc_cls', 'roi_head.invariant'):
        moved = [name for name in trained if name.startswith(prefix) and not torch.equal(second[name], last[name])]
        assert moved, prefix


def test_classifier_of_the_base_map_sees_no_batch_in_the_second_stage():
    """Batch statistics are updated as often as the method calls the modules, in each domain on its own."""
    detector = make_detector()
    detector.train_step(make_batch(), make_wrappers(detector))
    count = {name: int(value) for name, value in detector.state_dict().items() if name.endswith('num_batches_tracked')}
    by_part = {
        part: {value for name, value in count.items() if name.startswith(part)}
        for part in ('decomposer', 'specific_classifier', 'base_classifier', 'backbone')
    }
    assert by_part == {'decomposer': {4}, 'specific_classifier': {6}, 'base_classifier': {3}, 'backbone': {0}}
    detector = make_detector(
        contexts={},
        roi_head__invariant=head(contexts=()),
        roi_head__base=head(contexts=()),
    )
    detector.train_step(make_batch(), make_wrappers(detector))
    assert detector.specific_classifier.bn1.num_batches_tracked == 4
    assert detector.base_classifier.bn1.num_batches_tracked == 2


def test_domains_are_normalised_apart():
    """The running mean of the extractor is the chain of four calls, source and target by turns."""
    detector = make_detector()
    means, layer = [], detector.decomposer.layers[1]
    layer.register_forward_hook(lambda module, inputs, output: means.append(inputs[0].mean(dim=(0, 2, 3)).detach()))
    detector.train_step(make_batch(), make_wrappers(detector))
    expected = torch.zeros_like(layer.running_mean)
    for mean in means:
        expected = 0.9 * expected + 0.1 * mean
    assert len(means) == 4 and torch.allclose(layer.running_mean, expected, atol=1e-6)
    assert not torch.allclose(means[0], means[1], atol=1e-3)


def test_momentum_and_decay_of_the_two_steps_share_one_buffer():
    """By hand over two iterations, on one number: the loss of stage k is g_k * w."""

    class Toy(nn.Module):
        def __init__(self):
            super().__init__()
            self.invariant, self.shared = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
            nn.init.ones_(self.invariant.weight)
            self.stages = make_stages([dict(name=name, update=['invariant']) for name in 'ab'], ())

        data_preprocessor = staticmethod(lambda data, training: dict(inputs=data))
        parse_losses = staticmethod(lambda losses: (losses['loss'], losses))

        def forward(self, inputs, mode, stage):
            return dict(loss=inputs[stage] * self.invariant.weight.sum())

    model = Toy()
    wrappers = build_optim_wrapper(
        model,
        dict(
            constructor='vlplugins.GroupedOptimWrapperConstructor',
            optimizer=dict(type='SGD', lr=0.1, momentum=0.5, weight_decay=0.2),
            paramwise_cfg=dict(groups=dict(invariant=['invariant'], shared='rest')),
        ),
    )
    weight, buffer = 1.0, 0.0
    for _ in range(2):
        train_stages(model, model, [3.0, -1.0], wrappers)
        for gradient in (3.0, -1.0):
            buffer = 0.5 * buffer + gradient + 0.2 * weight
            weight -= 0.1 * buffer
    assert model.invariant.weight.item() == pytest.approx(weight, abs=1e-6)


@pytest.mark.parametrize('reverse', [True, False])
def test_reversal_turns_the_gradient_of_the_map_and_not_of_the_classifier(reverse):
    """d(domain loss)/d(extractor) by finite differences; behind a reversal autograd gives minus that."""
    from vlplugins.models.algorithms.domain_adaptive_detector import DomainFeatures

    detector = make_detector(reverse_specific=reverse, image_domain_loss__gamma=0.0).eval()
    maps = torch.randn(1, 16, 4, 6, generator=torch.Generator().manual_seed(1)).relu()

    def loss():
        features = DomainFeatures(maps, *detector.decomposer(maps))
        return detector._domain_losses(features, 'source', detector.stages[1])['loss_domain_specific_source']

    loss().backward()
    for parameter, sign in (
        (detector.decomposer.layers[0].weight, -1 if reverse else 1),
        (detector.specific_classifier.conv1.weight, 1),
    ):
        direction = parameter.grad / parameter.grad.norm()
        values = []
        for step in (1e-2, -1e-2):
            with torch.no_grad():
                parameter.add_(step * direction)
                values.append(float(loss()))
                parameter.sub_(step * direction)
        slope = (values[0] - values[1]) / 2e-2
        assert slope == pytest.approx(sign * float(parameter.grad.norm()), rel=0.2)


def test_context_trains_the_classifier_and_not_the_map():
    detector = make_detector()
    images, samples = (preprocessed(detector)[key]['source'] for key in ('inputs', 'data_samples'))
    features = detector.extract_feat(images)
    features.specific.retain_grad()
    contexts = detector._contexts_of(features, ['invariant'])['invariant']
    sum(context.square().sum() for context in contexts).backward()
    assert features.specific.grad is None
    assert detector.specific_classifier.conv1.weight.grad.abs().sum() > 0
    assert detector.pixel_classifier.conv1.weight.grad.abs().sum() > 0
    assert len(samples) == 1
    # And in the losses: detection alone has a gradient for the classifier.
    detector.zero_grad()
    losses = losses_of(detector)
    sum(value for key, value in losses.items() if key in ('loss_cls_di', 'loss_bbox_di')).backward()
    assert detector.specific_classifier.conv1.weight.grad.abs().sum() > 0
    assert detector.base_classifier.conv1.weight.grad is None


def test_context_belongs_to_the_image_of_the_region():
    detector = make_detector().eval()
    images = preprocessed(detector, make_batch(2, 1))['inputs']['source']
    features = detector.extract_feat(images)
    rois = torch.tensor([[0, 0, 0, 40, 40], [1, 0, 0, 40, 40], [0, 10, 10, 60, 50]], dtype=torch.float32)
    maps, contexts = detector._branch_inputs(features)
    together = detector.roi_head.scores(maps, contexts, rois)[0]
    for image in range(2):
        alone = detector.extract_feat(images[image : image + 1])
        chosen = rois[:, 0] == image
        single = rois[chosen] * torch.tensor([0.0, 1, 1, 1, 1])
        found = detector.roi_head.scores(*detector._branch_inputs(alone), single)[0]
        assert torch.allclose(found, together[chosen], atol=1e-5)


def test_batch_of_two_is_the_mean_of_two_batches():
    """Terms that look at no other image: domain losses; normalisation in test mode."""
    detector = make_detector()
    for module in detector.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    batch = make_batch(2, 2)
    both = losses_of(detector, copy.deepcopy(batch))
    single = []
    for index in range(2):
        part = {
            key: {'source': [value['source'][index], None], 'target': [None, value['target'][2 + index]]}
            for key, value in batch.items()
        }
        single.append(losses_of(detector, part))
    for key in both:
        if key.startswith('loss_domain'):
            assert torch.allclose(both[key], (single[0][key] + single[1][key]) / 2, atol=1e-6), key


def test_proposals_come_from_the_invariant_map():
    detector = make_detector().eval()
    images = preprocessed(detector)['inputs']['source']
    sample = make_sample((64, 96))

    def proposals(model):
        features = model.extract_feat(images)
        features = features._replace(invariant=torch.zeros_like(features.invariant))
        return model._proposals(features, [sample])[0].bboxes

    found = proposals(detector)
    # A map of zeros tells nothing: scores are equal, boxes are the anchors, clipped.
    maps = torch.zeros(1, 16, 4, 6)
    expected = detector.rpn_head.predict((maps,), [sample], rescale=False)[0].bboxes
    assert torch.equal(found, expected)
    detector.rpn_feature = 'base'
    assert not torch.equal(proposals(detector)[: len(found)], found)


def test_orthogonality_takes_pooled_vectors_of_all_regions():
    detector = make_detector().eval()
    features = detector.extract_feat(preprocessed(detector)['inputs']['source'])
    rois = torch.tensor([[0, 0, 0, 40, 40], [0, 10, 10, 60, 50]], dtype=torch.float32)
    invariant, specific = (detector.roi_head.regions(part, rois) for part in features[2:])
    expected = 0.0
    for index in range(2):
        u, v = (part[index].flatten(1).mean(dim=1) for part in (invariant, specific))
        expected += abs(float(torch.dot(u, v) / (u.norm() * v.norm()))) / 2
    found = detector.orthogonality_loss(
        *(detector._pooled(features, name, rois, {}) for name in ('invariant', 'specific'))
    )
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_target_regions_are_random_proposals_without_repeats():
    detector = make_detector()
    data = preprocessed(detector)
    features = detector.extract_feat(data['inputs']['target'])
    samples = data['data_samples']['target']
    detector.target_rois = 5
    one, other = (detector._target_rois(features, samples) for _ in range(2))
    assert one.shape == (5, 5) and len(one.unique(dim=0)) == 5 and not torch.equal(one, other)
    detector.target_rois = 1000
    assert len(detector._target_rois(features, samples)) == 16  # max_per_img of the test, not of training


def test_no_region_on_the_target_is_no_loss_and_keeps_the_graph(monkeypatch):
    detector = make_detector()
    monkeypatch.setattr(detector, '_target_rois', lambda features, samples: torch.zeros(0, 5))
    losses = losses_of(detector, stage=1)
    assert losses['loss_orth_target'] == 0 and losses['loss_orth_target'].requires_grad
    total(losses).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in detector.parameters())


def test_target_annotations_change_nothing():
    detector = make_detector()
    plain = losses_of(detector, stage=1)
    batch = make_batch()
    batch['data_samples']['target'][1] = make_sample((48, 80), [[float('nan')] * 4])
    detector = make_detector()
    labelled = losses_of(detector, batch, stage=1)
    assert plain.keys() == labelled.keys() and all(torch.equal(plain[key], labelled[key]) for key in plain)


def test_backbone_without_gradient_gives_the_same_step():
    """In the stage that does not update it: a faster way to the same weights."""
    after = []
    for no_grad in ([], ['backbone', 'pixel_classifier']):
        stages = copy.deepcopy(STAGES)
        stages[1]['no_grad'] = no_grad
        detector = make_detector(stages=stages)
        torch.manual_seed(3)
        detector.train_step(make_batch(), make_wrappers(detector))
        after.append(state(detector))
    for name, value in after[0].items():
        assert torch.allclose(value, after[1][name], atol=1e-6), name


def test_terms_without_weight_are_not_computed():
    detector = make_detector(
        stages=[dict(name='detect', update=['all'], branches=['base'], weights=dict(rpn=1, roi=1))]
    )
    for name in ('specific', 'base', 'pixel'):
        getattr(detector, f'{name}_classifier').register_forward_hook(lambda *_: calls.append(1))
    calls, batch = [], make_batch()
    data = preprocessed(detector, batch)
    data['inputs'].pop('target')
    losses = detector(**data, mode='loss')
    assert set(losses) == {'loss_rpn_cls', 'loss_rpn_bbox', 'loss_cls_base', 'loss_bbox_base', 'acc_base'}
    assert len(calls) == 2  # two contexts


def test_single_stage_takes_an_ordinary_optimizer():
    detector = make_detector(stages=[dict(STAGES[0], update=['all'])])
    before = state(detector)
    wrapper = OptimWrapper(torch.optim.SGD(detector.parameters(), lr=0.1), accumulative_counts=1)
    log = detector.train_step(make_batch(), wrapper)
    assert 'loss_domain_base_source' in log
    assert not torch.equal(before['decomposer.layers.0.weight'], detector.decomposer.layers[0].weight)


def test_every_trainable_parameter_gets_a_gradient():
    detector = make_detector()
    for stage in (0, 1):
        total(losses_of(detector, stage=stage)).backward()
    for name, parameter in detector.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None and parameter.grad.isfinite().all(), name


def test_prediction_is_in_the_original_image():
    detector = make_detector().eval()
    sample = make_sample((64, 96))
    sample.set_metainfo(dict(ori_shape=(128, 192), scale_factor=(0.5, 0.5)))
    data = detector.data_preprocessor(dict(inputs=[make_batch()['inputs']['source'][0]], data_samples=[sample]), False)
    (scaled,) = detector(**copy.deepcopy(data), mode='predict')
    data['data_samples'][0].set_metainfo(dict(scale_factor=(1.0, 1.0)))
    (raw,) = detector(**data, mode='predict')
    assert 0 < len(scaled.pred_instances) <= 100
    assert scaled.pred_instances.bboxes.max() > 96 and raw.pred_instances.bboxes.max() <= 96


def test_raw_outputs_without_samples():
    logits, deltas = make_detector().eval()(torch.randn(1, 3, 64, 96))
    assert logits.shape[1] == 4 and deltas.shape[1] == 12 and len(logits) == len(deltas) > 0


def test_state_round_trips():
    one, other = make_detector(0).eval(), make_detector(1).eval()
    other.load_state_dict(one.state_dict())
    images = torch.randn(1, 3, 64, 96)
    assert all(torch.equal(a, b) for a, b in zip(one(images), other(images)))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_an_iteration_in_mixed_precision(dtype, monkeypatch):
    """All stages, with scaled losses; MMEngine's own wrapper for it refuses a CPU."""
    logs, seen = [], []
    for mixed in (False, True):
        detector = make_detector()
        wrappers = make_wrappers(detector)
        if mixed:
            monkeypatch.setattr(OptimWrapper, 'optim_context', lambda *_: torch.autocast('cpu', dtype=dtype))
            for wrapper in wrappers.values():
                wrapper.loss_scaler = torch.amp.GradScaler('cpu', init_scale=2.0**8)
            detector.decomposer.register_forward_hook(lambda module, inputs, parts: seen.append(parts.invariant.dtype))
        before = state(detector)
        torch.manual_seed(3)
        logs.append(detector.train_step(make_batch(), wrappers))
        assert all(value.isfinite().all() for value in state(detector).values())
        assert not torch.equal(before['decomposer.layers.0.weight'], detector.decomposer.layers[0].weight)
    single, half = logs
    assert single.keys() == half.keys() and seen == [dtype] * 4
    for key, value in half.items():
        if 'loss' in key:
            # Regions and dropout are drawn alike; an eighth of a bit less would pass, another region would not.
            assert value.dtype == torch.float32 and value.item() == pytest.approx(single[key].item(), abs=0.03), key


def test_boxes_keep_their_precision_where_features_are_half():
    """In bfloat16 pixels from 512 on are multiples of 4: proposals and regions must not be rounded to them."""
    detector = make_detector().eval()
    rois = torch.tensor([[0.0, 513.3, 1.0, 603.7, 40.0]])
    maps = torch.randn(1, 16, 4, 40).bfloat16()
    found = detector.roi_head.regions(maps, rois)
    assert found.dtype == torch.float32 and torch.equal(found, detector.roi_head.regions(maps.float(), rois))
    rounded = detector.roi_head.regions(maps.float(), rois.bfloat16().float())
    assert not torch.allclose(found, rounded, atol=1e-2)
    data = preprocessed(detector)
    images, samples = data['inputs']['source'], data['data_samples']['source']
    with torch.autocast('cpu', dtype=torch.bfloat16):
        boxes = detector._proposals(detector.extract_feat(images), samples)[0].bboxes
        found = detector.predict(images, samples)[0].pred_instances
    assert boxes.dtype == found.bboxes.dtype == found.scores.dtype == torch.float32
    assert not torch.equal(boxes, boxes.bfloat16().float()) and len(found) > 0


def test_a_stage_clips_its_gradients_together():
    """Of the second stage alone, by a hand-made clip: steps of SGD without momentum are then that much smaller."""
    moved, norms = [], []
    for clip in (None, dict(max_norm=1e-3)):
        stages = copy.deepcopy(STAGES)
        stages[1]['clip_grad'] = clip
        detector = make_detector(stages=stages[1:])
        before = state(detector)
        torch.manual_seed(3)
        log = detector.train_step(make_batch(), make_wrappers(detector, momentum=0.0))
        norms.append(log.get('s1.grad_norm'))
        moved.append({k: v - before[k] for k, v in detector.state_dict().items() if k.endswith('fc_cls.weight')})
    assert norms[0] is None and norms[1] > 1e-3
    name = 'roi_head.invariant.bbox_head.fc_cls.weight'
    assert torch.allclose(moved[1][name], moved[0][name] * 1e-3 / norms[1], rtol=1e-2, atol=1e-9)
    assert moved[0][name].abs().sum() > 0


def test_mixed_precision_scales_the_loss_of_a_stage_once():
    """With scalers of other scales in both groups the steps are those of single precision, from the same numbers."""
    after = []
    for scaled in (False, True):
        detector = make_detector()
        wrappers = make_wrappers(detector, momentum=0.0)
        if scaled:
            for wrapper, scale in zip(wrappers.values(), (2.0**8, 2.0**3)):
                wrapper.loss_scaler = torch.amp.GradScaler('cpu', init_scale=scale)
        torch.manual_seed(3)
        detector.train_step(make_batch(), wrappers)
        after.append(state(detector))
    for name, value in after[0].items():
        assert torch.allclose(value, after[1][name], atol=1e-5), name


def test_legacy_pooling_rounds_up_without_padding():
    detector = make_detector(legacy_maxpool=True)
    assert (detector.backbone.maxpool.padding, detector.backbone.maxpool.ceil_mode) == (0, True)
    assert detector.backbone(torch.randn(1, 3, 64, 96))[0].shape[2:] == (16, 24)


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(decomposer__identity=True), 'leaves nothing specific'),
        (dict(specific_classifier=None), 'weighs domain_specific, but there is no specific_classifier'),
        (dict(contexts=dict(invariant=['specific'])), r'has context_channels \[6, 5\]; expected \[6\]'),
        (dict(specific_classifier__num_domains=3), 'tells 3 domains; expected 2'),
        (dict(stages__0__branches=['invariant', 'other']), "branches .'other'."),
        (dict(stages__0__weights=dict(rpm=1.0)), "weighs the terms .'rpm'."),
        (dict(stages__1__no_grad=['backbon']), "'backbon'"),
        (dict(stages__0__update=[]), 'updates no group'),
        (dict(stages=[]), 'no stage'),
        (dict(rpn_feature='specific'), "rpn_feature 'specific'"),
        (dict(target_rois=0), 'target_rois 0'),
    ],
)
def test_parts_that_do_not_fit_are_named(changes, message):
    cfg = detector_cfg(**{key: value for key, value in changes.items() if not key.startswith('stages__')})
    for key, value in changes.items():
        if key.startswith('stages__'):
            _, index, name = key.split('__')
            cfg.stages[int(index)][name] = value
    with pytest.raises(ValueError, match=message):
        MODELS.build(cfg)


def test_batch_without_a_domain_is_an_error():
    detector = make_detector()
    data = preprocessed(detector)
    data['inputs'].pop('target')
    with pytest.raises(ValueError, match='no image of the target'):
        detector(**data, mode='loss')
    with pytest.raises(ValueError, match='expected a dict with images of source and target'):
        detector(torch.zeros(1, 3, 64, 96), [make_sample((64, 96))], mode='loss')


def test_optimizer_and_stages_must_fit():
    detector = make_detector()
    with pytest.raises(TypeError, match='GroupedOptimWrapperConstructor'):
        detector.train_step(make_batch(), OptimWrapper(torch.optim.SGD(detector.parameters(), lr=0.1)))
    stages = copy.deepcopy(STAGES)
    stages[1]['update'] = ['invariants']
    detector = make_detector(stages=stages)
    with pytest.raises(ValueError, match=r"groups \['invariants'\]; the optimizer has \['invariant', 'shared'\]"):
        detector.train_step(make_batch(), make_wrappers(detector))
    stages[1].update(update=['shared'])
    detector = make_detector(stages=stages)
    with pytest.raises(ValueError, match="updates the group 'shared', but runs .*without gradient"):
        detector.train_step(make_batch(), make_wrappers(detector))
