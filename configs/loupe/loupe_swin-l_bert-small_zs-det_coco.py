"""Detection on COCO without boxes of training; mAP at an IoU of 0.3 and of 0.5, each by a metric of its own."""

_base_ = [
    '../_base_/models/loupe_swin-l_bert-small.py',
    '../_base_/datasets/zero_shot_detection.py',
    '../_base_/default_runtime.py',
]

model = dict(test_mode='detection')
ann_file = 'annotations/instances_val2017.json'
test_dataloader = dict(
    dataset=dict(
        type='mmdet.CocoDataset',
        data_root='data/coco',
        ann_file=ann_file,
        data_prefix=dict(img='val2017/'),
        pipeline=[*_base_.detection_pipeline, _base_.classes_prompts],
    )
)
# One metric with both thresholds would report their mean.
coco_map = dict(type='mmdet.CocoMetric', ann_file='data/coco/' + ann_file, metric='bbox', metric_items=['mAP'])
test_evaluator = [
    dict(iou_thrs=[0.3], prefix='coco_iou30', **coco_map),
    dict(iou_thrs=[0.5], prefix='coco_iou50', **coco_map),
]
visualizer = dict(type='RegionPhraseVisualizer')
inferencer = dict(type='VisionLanguageInferencer')
