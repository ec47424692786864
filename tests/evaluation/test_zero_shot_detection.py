"""Zero-shot detection from end to end: prompts, data sets and metrics of mmdet, on the scenes."""

import json

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData

from vlplugins.datasets.synthetic import SyntheticLoupeScenes
from vlplugins.registry import DATASETS, METRICS, MODELS

pytest.importorskip('mmdet')
CLASSES = SyntheticLoupeScenes.CLASSES


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = SyntheticLoupeScenes(str(tmp_path_factory.mktemp('data') / 'scenes'), num_train=1, num_test=6).prepare()
    (root / 'prompts.json').write_text(json.dumps(dict(names=list(CLASSES), templates=['an image of {}', '{}'])))
    return root


@pytest.fixture(autouse=True)
def _scope():
    init_default_scope('vlplugins')


def pipeline(root):
    tokenizer = dict(type='WordPiece', vocabulary=str(root / 'vocab.txt'), context_length=10)
    return [
        dict(type='LoadImageFromFile'),
        dict(type='Resize', scale=(192, 96), keep_ratio=False),
        dict(type='mmdet.LoadAnnotations', with_bbox=True),
        dict(type='mmdet.PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
        dict(type='AddClassPrompts', prompts=str(root / 'prompts.json'), tokenizer=tokenizer),
    ]


def coco(root):
    return DATASETS.build(
        dict(
            type='mmdet.CocoDataset',
            data_root=str(root),
            ann_file='coco/annotations/instances_val2017.json',
            data_prefix=dict(img='images/'),
            metainfo=dict(classes=CLASSES),
            test_mode=True,
            pipeline=pipeline(root),
        )
    )


def voc(root):
    return DATASETS.build(
        dict(
            type='mmdet.VOCDataset',
            data_root=str(root / 'VOCdevkit') + '/',
            ann_file='VOC2007/ImageSets/Main/test.txt',
            data_prefix=dict(sub_data_root='VOC2007/'),
            metainfo=dict(classes=CLASSES),
            test_mode=True,
            pipeline=pipeline(root),
        )
    )


def coco_metrics(root):
    shared = dict(type='mmdet.CocoMetric', ann_file=str(root / 'coco/annotations/instances_val2017.json'))
    shared.update(metric='bbox', metric_items=['mAP'])
    both = [dict(iou_thrs=[thr / 100], prefix=f'coco_iou{thr}', **shared) for thr in (30, 50)]
    return [METRICS.build(each) for each in [*both, dict(iou_thrs=[0.3, 0.5], prefix='mean', **shared)]]


def judge(metrics, data, samples):
    found = {}
    for metric in metrics:
        metric.dataset_meta = data.metainfo
        metric.process(None, [sample.to_dict() for sample in samples])
        found.update(metric.evaluate(len(data)))
    return found


def narrowed(data):
    """The true boxes without 60 per cent of their width: an IoU of 0.4."""
    for item in data:
        sample = item['data_samples']
        truth = sample.gt_instances
        boxes = truth.bboxes.tensor.clone() if hasattr(truth.bboxes, 'tensor') else truth.bboxes.clone()
        boxes[:, 2] = boxes[:, 0] + 0.4 * (boxes[:, 2] - boxes[:, 0])
        sample.pred_instances = InstanceData(bboxes=boxes, labels=truth.labels, scores=torch.ones(len(boxes)))
        yield sample


def test_each_threshold_of_coco_needs_a_metric_of_its_own(root):
    data = coco(root)
    found = judge(coco_metrics(root), data, list(narrowed(data)))
    assert found['coco_iou30/bbox_mAP'] == 1 and found['coco_iou50/bbox_mAP'] == 0
    assert found['mean/bbox_mAP'] == pytest.approx(0.5)


@pytest.mark.parametrize('kind', ['coco', 'voc'])
def test_a_model_detects_on_the_sets_of_mmdet(root, kind):
    cfg = dict(
        type='FineGrainedVLPretrainer',
        data_preprocessor=dict(type='ImageTextDataPreprocessor'),
        image_backbone=dict(type='PatchEncoder', hidden=16, width=16),
        image_channels=16,
        text_backbone=dict(type='BertTextEncoder', vocab_size=40, width=16, depth=1, heads=2, max_len=10),
        embed_dim=8,
        region_head=dict(type='SemanticRegionHead', in_channels=16, feat_channels=8, groups=2),
        test_mode='detection',
    )
    torch.manual_seed(0)
    model, data = MODELS.build(cfg).eval(), dict(coco=coco, voc=voc)[kind](root)
    batch = model.data_preprocessor(pseudo_collate(list(data)), False)
    assert batch['inputs']['image'].shape == (6, 3, 96, 192) and batch['inputs']['class_prompts'].shape == (12, 2, 10)
    samples = model(**batch, mode='predict')
    for sample in samples:
        boxes = sample.pred_instances.bboxes
        assert 0 < len(boxes) <= 100 and (boxes >= 0).all() and (boxes <= 96).all()
        assert (sample.pred_instances.scores.diff() <= 0).all()
    metrics = (
        coco_metrics(root)
        if kind == 'coco'
        else [METRICS.build(dict(type='mmdet.VOCMetric', metric='mAP', iou_thrs=[0.3, 0.5], eval_mode='area'))]
    )
    found = judge(metrics, data, samples)
    keys = {'coco_iou30/bbox_mAP', 'coco_iou50/bbox_mAP'} if kind == 'coco' else {'pascal_voc/AP30', 'pascal_voc/AP50'}
    assert keys <= set(found)


@pytest.mark.parametrize('name, kind', [('coco', 'CocoDataset'), ('voc', 'VOCDataset')])
def test_prompt_files_name_the_classes_in_the_order_of_their_labels(name, kind):
    from vlplugins.datasets.transforms.class_prompts import read_prompts

    names = read_prompts(f'configs/loupe/prompts/{name}.json')['names']
    spelled = dict(aeroplane='airplane', diningtable='dining table', pottedplant='potted plant', tvmonitor='tv monitor')
    classes = DATASETS.get(f'mmdet.{kind}').METAINFO['classes']
    assert [spelled.get(each, each).replace('_', ' ') for each in classes] == names
