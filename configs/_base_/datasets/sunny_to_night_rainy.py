"""Daytime-sunny to Night-rainy; the target is adapted to and tested on, as released."""

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

data_root = 'data/weather/'


sunny = dict(
    type='WeatherVOCDataset',
    data_root=data_root + 'daytime_sunny/VOC2007',
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(sub_data_root=''),
)
dusk = dict(sunny, data_root=data_root + 'dusk_rainy/VOC2007', subset='dusk_rainy')
night = dict(sunny, data_root=data_root + 'night_rainy/VOC2007', subset='night_rainy')
source = dict(sunny, **labelled)
targets = [dict(night, **unlabelled)]
tested_set = dict(night, **tested)

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
val_evaluator = dict(type='LongTailVOCMetric', iou_thrs=0.5, eval_mode='11points', class_weights='night_rainy')
test_evaluator = val_evaluator
