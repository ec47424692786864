import pytest
import torch

pytest.importorskip('mmdet')

from tests.helpers.domain_detectors import detector_cfg, head, make_detector, make_sample  # noqa: E402
from vlplugins.registry import MODELS  # noqa: E402


def inputs(detector, count=20):
    torch.manual_seed(1)
    features = detector.extract_feat(torch.randn(2, 3, 64, 96))
    corners = torch.rand(count, 4) * torch.tensor([40.0, 30.0, 40.0, 30.0])
    boxes = torch.cat([corners[:, :2], corners[:, :2] + corners[:, 2:] + 4], dim=1)
    rois = torch.cat([(torch.arange(count) % 2)[:, None].float(), boxes], dim=1)
    detector.roi_head.skip_unused = False
    maps, contexts = detector._branch_inputs(features)
    return maps, contexts, rois


def with_weights(detector, skip=True, **weights):
    detector.roi_head.branch_weights = dict(dict(invariant=0.0, base=0.0), **weights)
    detector.roi_head.skip_unused = skip
    return detector.roi_head


def test_weights_average_probabilities_and_deltas():
    detector = make_detector().eval()
    maps, contexts, rois = inputs(detector)
    (di, di_deltas), (base, base_deltas) = (
        with_weights(detector, **{name: 1.0}).scores(maps, contexts, rois) for name in ('invariant', 'base')
    )
    assert not torch.allclose(di, base)
    logits, deltas = with_weights(detector, invariant=0.25, base=0.75).scores(maps, contexts, rois)
    assert torch.allclose(logits.softmax(1), 0.25 * di.softmax(1) + 0.75 * base.softmax(1), atol=1e-6)
    assert torch.allclose(deltas, 0.25 * di_deltas + 0.75 * base_deltas, atol=1e-6)


def test_unused_branch_is_skipped_without_a_change():
    detector = make_detector().eval()
    maps, contexts, rois = inputs(detector)
    calls = []
    detector.roi_head.invariant.register_forward_hook(lambda *_: calls.append(1))
    both = with_weights(detector, skip=False, base=1.0).scores(maps, contexts, rois)
    assert calls == [1]
    skipped = with_weights(detector, base=1.0).scores({'base': maps['base']}, {'base': contexts['base']}, rois)
    assert calls == [1] and all(torch.equal(one, other) for one, other in zip(both, skipped))


@pytest.mark.parametrize(
    'weights',
    [dict(base=0.5), dict(base=1.5, invariant=-0.5), dict(base=0.5, other=0.5), dict(invariant=0.5, base=0.6)],
)
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match='sum to 1'):
        MODELS.build(detector_cfg(roi_head__branch_weights=weights))


def test_one_branch_is_enough_and_none_is_not():
    detector = make_detector(
        roi_head__invariant=None,
        stages=[dict(name='detect', update=['all'], branches=['base'], weights=dict(rpn=1, roi=1))],
        contexts=dict(base=['base', 'pixel']),
    )
    assert detector.roi_head.branch_weights == dict(base=1.0)
    with pytest.raises(ValueError, match='found none'):
        MODELS.build(detector_cfg(roi_head__invariant=None, roi_head__base=None))


def test_no_proposal_is_no_detection():
    from mmengine.structures import InstanceData

    detector = make_detector().eval()
    maps, contexts, _ = inputs(detector)
    empty = [InstanceData(bboxes=torch.zeros(0, 4)) for _ in range(2)]
    results = detector.roi_head.predict(maps, contexts, empty, [make_sample((64, 96)) for _ in range(2)])
    assert [len(each) for each in results] == [0, 0] and results[0].labels.shape == (0,)


def test_background_is_the_last_class_and_boxes_are_divided_by_all_regions():
    """Losses of a branch against a loop over the regions."""
    from mmdet.structures.bbox import bbox2roi
    from mmengine.structures import InstanceData

    detector = make_detector(**{'train_cfg__rcnn__sampler__num': 12})
    sample = make_sample((64, 96), [[4.0, 6.0, 30.0, 34.0], [40.0, 20.0, 70.0, 44.0]])
    torch.manual_seed(0)
    proposals = [InstanceData(bboxes=torch.rand(30, 4).mul(30) + torch.tensor([0.0, 0.0, 31.0, 31.0]))]
    (sampled,) = detector.roi_head.sample(proposals, [sample])
    rois = bbox2roi([sampled.priors])
    maps, contexts, _ = inputs(detector)
    regions = detector.roi_head.regions(maps['base'], rois)
    losses = detector.roi_head.branch_loss('base', regions, rois, contexts['base'], [sampled])
    logits, deltas = detector.roi_head.base(regions, contexts['base'], rois[:, 0].long())
    positives = len(sampled.pos_priors)
    assert positives >= 2 and len(rois) == 12
    labels = [*sampled.pos_gt_labels.tolist(), *[3] * (12 - positives)]
    expected_cls = -sum(logits[i].log_softmax(0)[label] for i, label in enumerate(labels)) / 12
    expected_box = 0.0
    for i in range(positives):
        x1, y1, x2, y2 = sampled.pos_priors[i].tolist()
        g1, h1, g2, h2 = sampled.pos_gt_bboxes[i].tolist()
        w, h = x2 - x1, y2 - y1
        target = torch.tensor(
            [
                ((g1 + g2) - (x1 + x2)) / 2 / w / 0.1,
                ((h1 + h2) - (y1 + y2)) / 2 / h / 0.1,
                torch.log(torch.tensor((g2 - g1) / w)) / 0.2,
                torch.log(torch.tensor((h2 - h1) / h)) / 0.2,
            ]
        )
        distance = (deltas[i].view(3, 4)[labels[i]] - target).abs()
        expected_box += torch.where(distance < 1, 0.5 * distance**2, distance - 0.5).sum() / 12
    assert torch.allclose(losses['loss_cls_base'], expected_cls, atol=1e-5)
    assert torch.allclose(losses['loss_bbox_base'], expected_box, atol=1e-4)


def test_contexts_come_before_the_region_in_their_order():
    box_head = MODELS.build(dict(_scope_='mmdet', **head(channels=4, contexts=(2, 3))['bbox_head']))
    torch.manual_seed(0)
    region, contexts = torch.randn(3, 4, 7, 7), [torch.randn(2, 2), torch.randn(2, 3)]
    ids = torch.tensor([1, 0, 1])
    logits, deltas = box_head(region, contexts, ids)
    for row, image in enumerate(ids.tolist()):
        vector = torch.cat([contexts[0][image], contexts[1][image], region[row].flatten(1).mean(1)])
        assert torch.allclose(logits[row], box_head.fc_cls.weight @ vector + box_head.fc_cls.bias, atol=1e-6)
        assert torch.allclose(deltas[row], box_head.fc_reg.weight @ vector + box_head.fc_reg.bias, atol=1e-6)
    with pytest.raises(ValueError, match=r'expected the lengths \[2, 3\]'):
        box_head(region, contexts[:1], ids)


def test_without_contexts_it_is_mmdets_head():
    options = dict(with_avg_pool=True, roi_feat_size=7, in_channels=4, num_classes=3)
    ours = MODELS.build(dict(_scope_='mmdet', type='vlplugins.ContextBBoxHead', context_channels=(), **options))
    theirs = MODELS.build(dict(_scope_='mmdet', type='BBoxHead', **options))
    theirs.load_state_dict(ours.state_dict())
    region = torch.randn(5, 4, 7, 7)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(ours(region), theirs(region)))
