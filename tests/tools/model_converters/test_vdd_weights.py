import pytest
import torch

pytest.importorskip('mmdet')

from mmengine.config import Config  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

from tests.helpers.tiny_configs import ROOT  # noqa: E402
from tests.helpers.tools import mistake  # noqa: E402
from tools.benchmark.vector_decomposition import build  # noqa: E402
from tools.model_converters import vdd_weights  # noqa: E402


def to_official(state):
    """The key layout of the release, written down once more, the other way round."""
    names = [
        ('backbone.conv1.', 'RCNN_base1.0.'), ('backbone.bn1.', 'RCNN_base1.1.'), ('backbone.layer1.', 'RCNN_base1.4.'),
        ('backbone.layer2.', 'RCNN_base2.0.'), ('backbone.layer3.', 'RCNN_base2.1.'), ('decomposer.layers.', 'di.di.'),
        ('pixel_classifier.', 'netD_pixel.'), ('base_classifier.', 'netD_base.'), ('specific_classifier.', 'netD_ds.'),
        ('rpn_head.rpn_conv.', 'RCNN_rpn.RPN_Conv.'), ('rpn_head.rpn_reg.', 'RCNN_rpn.RPN_bbox_pred.'),
        ('rpn_head.rpn_cls.', 'RCNN_rpn.RPN_cls_score.'),
        ('roi_head.invariant.shared_head.layer4.', 'RCNN_top_di.0.'),
        ('roi_head.base.shared_head.layer4.', 'RCNN_top_base.0.'),
        ('roi_head.invariant.bbox_head.fc_cls.', 'RCNN_cls_score_di.'),
        ('roi_head.base.bbox_head.fc_cls.', 'RCNN_cls_score_base.'),
        ('roi_head.invariant.bbox_head.fc_reg.', 'RCNN_bbox_pred_di.'),
        ('roi_head.base.bbox_head.fc_reg.', 'RCNN_bbox_pred_base.'),
    ]  # fmt: skip
    found = {}
    for key, value in state.items():
        (new,) = [theirs + key[len(ours) :] for ours, theirs in names if key.startswith(ours)]
        if 'rpn_cls' in key:  # foreground, background by turns -> all of background, all of foreground
            value = torch.cat([value[1::2], value[0::2]])
        elif 'fc_cls' in key:  # background last -> first
            value = torch.cat([value[-1:], value[:-1]])
        elif 'fc_reg' in key:  # and boxes of the background
            value = torch.cat([torch.full_like(value[:4], 9.0), value])
        found[new] = value
    return found


def test_release_round_trips_through_its_layout(tmp_path, capsys):
    init_default_scope('vlplugins')
    detector = build('vdd_r101_20e_sunny2nightrainy', 18)
    state = detector.state_dict()
    torch.save(dict(model=to_official(state), epoch=1, session=1), tmp_path / 'official.pth')
    vdd_weights.main(['official', str(tmp_path / 'official.pth'), str(tmp_path / 'ours.pth')])
    assert '0 not used' in capsys.readouterr().out
    converted = torch.load(tmp_path / 'ours.pth')['state_dict']
    assert converted.keys() == state.keys() and all(torch.equal(converted[key], state[key]) for key in state)


def test_back_to_the_release(tmp_path, capsys):
    init_default_scope('vlplugins')
    state = build('vdd_r101_20e_sunny2nightrainy', 18).state_dict()
    torch.save(dict(state_dict=state), tmp_path / 'ours.pth')
    vdd_weights.main(['to-official', str(tmp_path / 'ours.pth'), str(tmp_path / 'official.pth')])
    found, expected = torch.load(tmp_path / 'official.pth')['model'], to_official(state)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # Boxes of the background are never read; they are 9 in this test.
        found_value, value = (each[4:] if 'bbox_pred_' in key else each for each in (found[key], value))
        assert torch.equal(found_value, value), key
    torch.save(dict(state_dict={'other.weight': torch.ones(1)}), tmp_path / 'other.pth')
    message = mistake(capsys, vdd_weights, 'to-official', tmp_path / 'other.pth', tmp_path / 'out.pth')
    assert "no place for 1 keys, among them ['other.weight']" in message


def test_source_only_detector_becomes_that_of_mmdet(tmp_path, capsys):
    """It has the same boxes in mmdet's own class; one with a decomposition is refused."""
    from mmdet.structures import DetDataSample
    from mmengine.registry import MODELS

    init_default_scope('vlplugins')
    ours = build('ablation_source-only', 18).eval()
    torch.save(dict(state_dict=ours.state_dict()), tmp_path / 'ours.pth')
    vdd_weights.main(['to-mmdet', str(tmp_path / 'ours.pth'), str(tmp_path / 'plain.pth')])
    cfg = Config.fromfile(ROOT / 'configs/vdd/ablation_source-only.py').model
    base = cfg.roi_head.base
    base.bbox_head.type = 'BBoxHead'
    base.bbox_head.pop('context_channels')
    base.bbox_head.update(in_channels=512)
    base.shared_head.update(depth=18, init_cfg=None)
    cfg.rpn_head.in_channels = cfg.roi_head.bbox_roi_extractor.out_channels = 256
    plain = MODELS.build(
        dict(
            _scope_='mmdet',
            type='FasterRCNN',
            data_preprocessor=cfg.data_preprocessor.data_preprocessor,
            backbone=dict(cfg.backbone, depth=18, out_indices=(2,), init_cfg=None),
            rpn_head=cfg.rpn_head,
            roi_head=dict(type='StandardRoIHead', bbox_roi_extractor=cfg.roi_head.bbox_roi_extractor, **base),
            train_cfg=cfg.train_cfg,
            test_cfg=cfg.test_cfg,
        )
    ).eval()
    plain.load_state_dict(torch.load(tmp_path / 'plain.pth')['state_dict'])
    meta = dict(img_shape=(96, 128), ori_shape=(96, 128), scale_factor=(1.0, 1.0))
    image = torch.randint(0, 255, (3, 96, 128), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    one, other = (
        each.test_step(dict(inputs=[image], data_samples=[DetDataSample(metainfo=dict(meta))]))[0].pred_instances
        for each in (ours, plain)
    )
    assert len(one) > 0
    torch.testing.assert_close(one.bboxes, other.bboxes, atol=1e-3, rtol=1e-5)  # pixels
    torch.testing.assert_close(one.scores, other.scores, atol=1e-5, rtol=1e-4)
    torch.save(dict(state_dict={'decomposer.layers.0.weight': torch.ones(1)}), tmp_path / 'vdd.pth')
    message = mistake(capsys, vdd_weights, 'to-mmdet', tmp_path / 'vdd.pth', tmp_path / 'out.pth')
    assert 'no place for 1 keys' in message


def test_unknown_keys_of_a_release_are_an_error(tmp_path, capsys):
    torch.save(dict(model={'RCNN_other.weight': torch.ones(1)}), tmp_path / 'other.pth')
    message = mistake(capsys, vdd_weights, 'official', tmp_path / 'other.pth', tmp_path / 'out.pth')
    assert "1 keys are not of the release of VDD, among them ['RCNN_other.weight']" in message
    assert 'no such checkpoint' in mistake(capsys, vdd_weights, 'mmdet', tmp_path / 'no.pth', tmp_path / 'out.pth')


def test_plain_detector_initialises_and_predicts_as_before(tmp_path, capsys):
    """Its head gives the same logits with any contexts, since they have no weight yet."""
    init_default_scope('vlplugins')
    ours = build('vdd_r101_20e_sunny2nightrainy', 18).eval()
    plain = {key: value for key, value in ours.state_dict().items() if key.startswith(('backbone.', 'rpn_head.'))}
    for key, value in ours.state_dict().items():
        if key.startswith('roi_head.base.'):
            value = value[:, 256:] if value.dim() == 2 else value
            plain[key.replace('roi_head.base.', 'roi_head.')] = value.clone()
    plain['roi_head.mask_head.weight'] = torch.ones(1)
    torch.save(dict(state_dict=plain), tmp_path / 'plain.pth')
    vdd_weights.main(['mmdet', str(tmp_path / 'plain.pth'), str(tmp_path / 'ours.pth')])
    assert "1 not used: ['roi_head.mask_head.weight']" in capsys.readouterr().out
    result = ours.load_state_dict(torch.load(tmp_path / 'ours.pth')['state_dict'], strict=False)
    assert not result.unexpected_keys
    assert {key.split('.')[0] for key in result.missing_keys} == {
        'decomposer', 'pixel_classifier', 'base_classifier', 'specific_classifier',
    }  # fmt: skip
    regions, ids = torch.randn(3, 512, 4, 4), torch.zeros(3, dtype=torch.long)
    found = ours.roi_head.base.bbox_head(regions, [torch.randn(1, 128), torch.randn(1, 128)], ids)[0]
    head = ours.roi_head.base.bbox_head.fc_cls
    expected = regions.mean(dim=(2, 3)) @ plain['roi_head.bbox_head.fc_cls.weight'].T + head.bias
    assert torch.allclose(found, expected, atol=1e-5)


def test_anchors_of_the_release():
    init_default_scope('vlplugins')
    cfg = Config.fromfile(ROOT / 'configs/vdd/vdd_r101_20e_sunny2nightrainy_official.py').model.rpn_head
    from vlplugins.registry import TASK_UTILS

    generator = TASK_UTILS.build(cfg.anchor_generator)
    (anchors,) = generator.grid_priors([(2, 3)], device='cpu')
    assert anchors.shape == (2 * 3 * 9, 4) and anchors[0].tolist() == [-84, -40, 99, 55]
    assert anchors[9].tolist() == [-68, -40, 115, 55] and generator.num_base_priors == [9]
    with pytest.raises(ValueError, match='expected one and boxes'):
        TASK_UTILS.build(dict(cfg.anchor_generator, base_anchors=[[5, 5, 1, 9]]))
