import numpy as np
import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

pytest.importorskip('mmdet')

from tests.helpers.domain_detectors import make_batch, make_sample  # noqa: E402
from tests.helpers.tiny_configs import ROOT  # noqa: E402
from vlplugins.registry import MODELS  # noqa: E402

DETECTORS = ('faster-rcnn_decomposition-neck.py', 'retinanet_decomposition-neck.py')


def config_of(name=DETECTORS[0]):
    init_default_scope('vlplugins')
    return Config.fromfile(ROOT / 'configs' / 'mixing' / name)


def make_model(name=DETECTORS[0], **changes):
    torch.manual_seed(0)
    return MODELS.build(ConfigDict(config_of(name).model, **changes)).train()


def preprocessed(model, batch=None):
    return model.data_preprocessor(batch or make_batch(2, 2), True)


def losses_of(model, batch=None, stage=0):
    torch.manual_seed(7)
    return model(**preprocessed(model, batch), mode='loss', stage=stage)


@pytest.mark.parametrize('name', DETECTORS)
def test_the_detector_itself_is_that_of_mmdet(name):
    """Its losses are its own on the source, and it predicts by itself from the weights of the whole."""
    model = make_model(name).eval()
    data = preprocessed(model)
    found = losses_of(model)
    torch.manual_seed(7)
    alone = {key: sum(value) if isinstance(value, list) else value for key, value in
             model.detector.loss(data['inputs']['source'], data['data_samples']['source']).items()}  # fmt: skip
    names = [key for key in alone if 'loss' in key]
    assert names and all(torch.allclose(found[key], alone[key]) for key in names)
    plain = MODELS.build(config_of(name).model.detector).eval()
    weights = {key.removeprefix('detector.'): value for key, value in model.state_dict().items() if 'detector.' in key}
    plain.load_state_dict(weights)
    image = dict(inputs=[torch.full((3, 64, 96), 90, dtype=torch.uint8)], data_samples=[make_sample((64, 96))])
    boxes = [each.test_step(image)[0].pred_instances.bboxes for each in (model, plain)]
    assert torch.equal(*boxes) and isinstance(model(data['inputs']['source'], data['data_samples']['source']), tuple)


def test_losses_of_both_domains_are_those_of_the_alignment():
    model = make_model().eval()
    found = losses_of(model, stage=1)
    kinds = ('domain_specific', 'orth')
    assert {key for key in found if key.endswith(('_source', '_target')) and 'loss' in key} == {
        f'loss_{kind}_{domain}' for kind in kinds for domain in ('source', 'target')
    }
    data = preprocessed(model)
    for index, domain in enumerate(('source', 'target')):
        terms = model.alignment(model.decompose(data['inputs'][domain]), index, model.stages[1].weights)
        assert all(torch.allclose(found[f'{key}_{domain}'], value) for key, value in terms.items())


def test_each_stage_moves_its_groups_and_the_log_has_both():
    cfg, model = config_of(), make_model()
    wrappers = build_optim_wrapper(model, cfg.optim_wrapper)
    snapshots, forward = [], model.forward

    def state():
        return {name: value.detach().clone() for name, value in model.named_parameters()}

    model.forward = lambda *args, **kwargs: snapshots.append(state()) or forward(*args, **kwargs)
    log = model.train_step(make_batch(2, 2), wrappers)
    first, second, last = (*snapshots, state())
    invariant = tuple(cfg.optim_wrapper.paramwise_cfg.groups.invariant)
    moved = {name for name in last if not torch.equal(second[name], last[name])}
    assert moved and all(name.startswith(invariant) for name in moved)
    assert {name.split('.')[1] for name in first if not torch.equal(first[name], second[name])} >= {'backbone', 'neck'}
    assert 's1.loss_rpn_cls' in log and 's2.loss_orth_target' in log and 's1.loss_orth_target' not in log


def test_target_annotations_are_not_read():
    model = make_model().eval()
    batch, spoilt = make_batch(2, 2), make_batch(2, 2)
    for sample in spoilt['data_samples']['target']:
        if sample is not None:
            del sample.gt_instances
    for stage in (0, 1):
        one, other = losses_of(model, batch, stage), losses_of(model, spoilt, stage)
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_source_alone_needs_no_target_and_weights_scale_the_detection():
    stages = [dict(name=str(weight), update=['all'], weights=dict(detection=weight)) for weight in (1.0, 0.5)]
    model = make_model(DETECTORS[1], stages=stages).eval()
    batch = {key: dict(source=value['source'][:2]) for key, value in make_batch(2, 0).items()}
    one, half = losses_of(model, batch), losses_of(model, batch, 1)
    assert set(one) == {'loss_cls', 'loss_bbox'}
    assert all(torch.allclose(0.5 * one[key], half[key]) for key in one)


@pytest.mark.parametrize('name', DETECTORS)
def test_outputs_without_samples_and_heat_maps(name, tmp_path):
    """What tools/analysis/get_flops.py and ``tools/infer.py --parts`` do; two stages need samples of their own."""
    from vlplugins.apis import DomainAdaptiveDetInferencer

    model = make_model(name).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, 64, 96)) is not None
    inferencer = DomainAdaptiveDetInferencer(config_of(name), device='cpu', show_parts=True, show_progress=False)
    picture = inferencer(np.full((72, 96, 3), 90, np.uint8), vis_out_dir=str(tmp_path))['visualization'][0]
    assert picture.shape[1] > 2 * picture.shape[0]


def test_batch_without_target_is_told():
    batch = {key: dict(source=value['source'][:2]) for key, value in make_batch(2, 0).items()}
    with pytest.raises(ValueError, match='no image of the target'):
        losses_of(make_model(), batch)


def test_parts_that_do_not_fit_are_told():
    cfg = config_of().model
    with pytest.raises(ValueError, match='is a FPN; expected a DecompositionNeck'):
        make_model(detector=ConfigDict(cfg.detector, neck=cfg.detector.neck.neck))
    with pytest.raises(ValueError, match=r"'decompose' weighs \['domain_base'\]"):
        make_model(alignment=ConfigDict(cfg.alignment, base_classifier=None))
    with pytest.raises(ValueError, match='no_grad'):
        make_model(stages=[dict(name='a', update=['all'], no_grad=['detector'], weights=dict(detection=1.0))])
    with pytest.raises(ValueError, match='orthogonal.*expected'):
        make_model(stages=[dict(name='a', update=['all'], weights=dict(orthogonal=1.0))])
