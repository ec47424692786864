"""Detection on the test images of VOC 2007 without boxes of training: AP30 and AP50, of the area under the curve."""

_base_ = [
    '../_base_/models/loupe_swin-l_bert-small.py',
    '../_base_/datasets/zero_shot_detection.py',
    '../_base_/default_runtime.py',
]

model = dict(test_mode='detection')
test_dataloader = dict(
    dataset=dict(
        type='mmdet.VOCDataset',
        data_root='data/VOCdevkit/',
        ann_file='VOC2007/ImageSets/Main/test.txt',
        data_prefix=dict(sub_data_root='VOC2007/'),
        pipeline=[*_base_.detection_pipeline, dict(_base_.classes_prompts, prompts='configs/loupe/prompts/voc.json')],
    )
)
test_evaluator = dict(type='mmdet.VOCMetric', metric='mAP', iou_thrs=[0.3, 0.5], eval_mode='area')
visualizer = dict(type='RegionPhraseVisualizer')
inferencer = dict(type='VisionLanguageInferencer')
