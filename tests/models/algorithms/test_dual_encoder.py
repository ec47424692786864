"""Retrieval, detection and grounding of two encoders with regions."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import BaseDataElement

from tests.models.algorithms.test_fine_grained_vlp import batch, build


def samples(count=4, **meta):
    return [BaseDataElement(metainfo=meta) for _ in range(count)]


def test_retrieval_gives_unit_features_of_images_and_of_each_caption():
    model, inputs = build().eval(), batch()
    encoded = model.encode(inputs)
    texts = {key: inputs[key].repeat_interleave(torch.tensor([2, 1, 1, 3]), dim=0) for key in ('text_ids', 'text_mask')}
    inputs = dict(image=inputs['image'], captions_per_image=[2, 1, 1, 3], **texts)
    found = model(inputs, samples(), 'predict')
    assert [len(each.text_features) for each in found] == [2, 1, 1, 3]
    for row, each in enumerate(found):
        torch.testing.assert_close(each.image_feature, F.normalize(encoded.image[row], dim=0))
        torch.testing.assert_close(each.text_features[-1], F.normalize(encoded.text[row], dim=0), atol=1e-5, rtol=1e-4)


def test_texts_are_pooled_by_their_first_token_or_their_words():
    model, inputs = build(text_pool='words').eval(), batch()
    words = model.encode_texts(inputs['text_ids'], inputs['text_mask'])
    # Of the second text 8 tokens are there, the first and the last are special.
    torch.testing.assert_close(model.encode(inputs).text[1], words[1, 1:7].mean(dim=0))
    torch.testing.assert_close(build().eval().encode(inputs).text, words[:, 0])
    queries = build(query_pool='words').eval().encode_queries(inputs['text_ids'], inputs['text_mask'])
    torch.testing.assert_close(queries[1], words[1, 1:7].mean(dim=0))


def test_grounding_orders_all_regions_by_similarity_and_confidence():
    model, inputs = build(test_mode='grounding', confidence_weight=0.5, test_cfg=dict(max_per_img=1000)).eval(), batch()
    boxes, logits, features = model.all_regions(inputs['image'])
    found = model(inputs, samples(), 'predict')[2].pred_instances
    text = model.encode(inputs).text[2]
    scores = [
        F.cosine_similarity(feature, text, dim=0).item() / 0.1 + 0.5 * np.log(logit.sigmoid().item())
        for feature, logit in zip(features[2], logits[2])
    ]
    order = np.argsort(scores)[::-1]
    np.testing.assert_allclose(found.scores, np.array(scores)[order], rtol=1e-4)
    torch.testing.assert_close(found.bboxes[0], boxes[2, order[0]])
    assert len(found) == 4 * 6 * 6


def prompts(model, classes=3, templates=2):
    ids = torch.randint(2, 30, (classes, templates, 6), generator=torch.Generator().manual_seed(5))
    return dict(class_prompts=ids, class_prompt_mask=torch.ones_like(ids) > 0)


def test_class_features_are_means_of_unit_features_of_prompts():
    model = build().eval()
    given = prompts(model)
    found = model.class_features(given['class_prompts'], given['class_prompt_mask'])
    for k in range(3):
        texts = model.encode_texts(given['class_prompts'][k], given['class_prompt_mask'][k])[:, 0]
        torch.testing.assert_close(found[k], F.normalize(F.normalize(texts, dim=1).mean(dim=0), dim=0))


def naive_detection(model, inputs, given, row):
    """One image, one box at a time; suppression by a double loop."""
    cfg = model.test_cfg
    boxes, logits = model.region_head(model.image_backbone(inputs['image'])[-1], (64, 96))
    regions = model.region_head.select(boxes, logits, (4, 6), (64, 96), num_regions=cfg['num_regions'], nms_iou=0.5)
    _, patches, _ = model.encode_images(inputs['image'])
    classes = model.class_features(given['class_prompts'], given['class_prompt_mask'])
    found = []
    for box, logit, members, valid, _ in zip(*(each[row] for each in regions)):
        feature = F.normalize(patches[row][members].mean(dim=0), dim=0)
        share = (classes @ feature / 0.1).softmax(dim=0)
        if valid:
            found.append((float(logit.sigmoid() * share.max()), int(share.argmax()), box))
    kept = []
    for score, label, box in sorted(found, key=lambda each: -each[0]):
        sides = [
            (torch.minimum(box[2:], other[2:]) - torch.maximum(box[:2], other[:2])).clamp(min=0).prod()
            for _, other_label, other in kept
            if other_label == label
        ]
        areas = [(other[2:] - other[:2]).prod() for _, other_label, other in kept if other_label == label]
        area = (box[2:] - box[:2]).prod()
        if score > cfg['score_thr'] and all(s / (area + a - s) <= 0.5 for s, a in zip(sides, areas)):
            kept.append((score, label, box))
    return kept[: cfg['max_per_img']]


def test_detection_equals_a_loop():
    model = build(test_mode='detection', test_cfg=dict(num_regions=30, max_per_img=12, score_thr=0.03)).eval()
    inputs, given = batch(), prompts(build())
    found = model({'image': inputs['image'], **given}, samples(), 'predict')
    for row, each in enumerate(found):
        expected = naive_detection(model, inputs, given, row)
        assert len(each.pred_instances) == len(expected) > 0
        np.testing.assert_allclose(each.pred_instances.scores, [score for score, _, _ in expected], rtol=1e-4)
        assert each.pred_instances.labels.tolist() == [label for _, label, _ in expected]
        torch.testing.assert_close(each.pred_instances.bboxes, torch.stack([box for _, _, box in expected]))
    with pytest.raises(ValueError, match='AddClassPrompts'):
        model(inputs, samples(), 'predict')


def test_boxes_are_inside_the_file_after_scaling():
    model = build(test_mode='grounding').eval()
    for each in model(batch(), samples(scale_factor=(2.0, 0.5), ori_shape=(100, 40)), 'predict'):
        boxes = each.pred_instances.bboxes
        assert (boxes >= 0).all() and (boxes <= torch.tensor([40, 100, 40, 100])).all()


def test_regions_need_a_head():
    options = dict(region_head=None, loss_region=None, loss_location=None, loss_alignment=None)
    with pytest.raises(ValueError, match="test_mode 'grounding' needs a region_head"):
        build(test_mode='grounding', **options)
    assert build(**options).eval()(batch(), samples(), 'predict')[0].image_feature.shape == (8,)
