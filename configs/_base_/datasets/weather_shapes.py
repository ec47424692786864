"""Striped shapes in the sun with boxes, and in the night rain without; written by ``tools/train.py`` on first use."""

data_root = 'data/synthetic/weather_voc/'
synthetic_data = dict(type='SyntheticWeatherVOC', root=data_root)
classes = ('bus', 'car', 'truck')

fields = ['source', 'target']
load = dict(type='LoadImageFromFile')
label = dict(type='mmdet.LoadAnnotations', with_bbox=True)
resize = dict(type='mmdet.Resize', scale=(10000, 96), keep_ratio=True)
flip = dict(type='mmdet.RandomFlip', prob=0.5)
pack = dict(type='mmdet.PackDetInputs')
source_pipeline = [load, label, resize, flip, dict(type='mmdet.MultiBranch', branch_field=fields, source=pack)]
target_pipeline = [load, resize, flip, dict(type='mmdet.MultiBranch', branch_field=fields, target=pack)]
test_pipeline = [
    load,
    label,
    resize,
    dict(pack, meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor')),
]

domain = dict(
    type='WeatherVOCDataset',
    metainfo=dict(classes=classes),
    ann_file='ImageSets/Main/train.txt',
    data_prefix=dict(sub_data_root=''),
)
source = dict(domain, data_root=data_root + 'daytime_sunny', pipeline=source_pipeline)
target = dict(domain, data_root=data_root + 'night_rainy', pipeline=target_pipeline, with_labels=False)

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    batch_sampler=None,
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='SourceTargetSampler', batch_size=8, source_size=4, target_size=4),
    dataset=dict(type='SourceTargetDataset', source=source, targets=[target]),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        domain,
        data_root=data_root + 'night_rainy',
        ann_file='ImageSets/Main/test.txt',
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='LongTailVOCMetric')
test_evaluator = val_evaluator
