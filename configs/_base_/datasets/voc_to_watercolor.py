"""VOC 2007 and 2012 to Watercolor2k."""

# The target pipeline opens no annotation. Short side 600, no cap on the long one.
fields = ['source', 'target']
pack = dict(type='mmdet.PackDetInputs')
source_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.Resize', scale=(10000, 600), keep_ratio=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.MultiBranch', branch_field=fields, source=pack),
]
target_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(10000, 600), keep_ratio=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.MultiBranch', branch_field=fields, target=pack),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(10000, 600), keep_ratio=True),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor', 'subset'),
    ),
]
labelled = dict(filter_cfg=dict(filter_empty_gt=True, min_size=32), pipeline=source_pipeline)
unlabelled = dict(with_labels=False, pipeline=target_pipeline)
tested = dict(test_mode=True, pipeline=test_pipeline)

classes = ('bicycle', 'bird', 'car', 'cat', 'dog', 'person')
voc2007 = dict(
    type='WatercolorDataset',
    metainfo=dict(classes=classes),
    data_root='data/VOCdevkit/VOC2007',
    ann_file='ImageSets/Main/trainval.txt',
    data_prefix=dict(sub_data_root=''),
    # VOC has further classes.
    unknown_class='skip',
)
voc2012 = dict(voc2007, data_root='data/VOCdevkit/VOC2012')
painted = dict(voc2007, data_root='data/watercolor')
source = [dict(each, **labelled) for each in (voc2007, voc2012)]
targets = [dict(painted, **{**unlabelled, 'ann_file': 'ImageSets/Main/train.txt'})]
tested_set = dict(painted, **{**tested, 'ann_file': 'ImageSets/Main/test.txt'})

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    batch_sampler=None,
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='SourceTargetSampler', batch_size=2, source_size=1, target_size=1),
    dataset=dict(type='SourceTargetDataset', source=source, targets=targets),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=tested_set,
)
test_dataloader = val_dataloader
val_evaluator = dict(type='LongTailVOCMetric', iou_thrs=0.5, eval_mode='11points')
test_evaluator = val_evaluator
