"""What adaptation from labelled source to unlabelled target images shares: one image of each, short side 600.

A config of a scene adds the data sets: source, targets and what is tested.
"""

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

train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    persistent_workers=True,
    batch_sampler=None,
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='SourceTargetSampler', batch_size=2, source_size=1, target_size=1),
    dataset=dict(type='SourceTargetDataset'),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='LongTailVOCMetric', iou_thrs=0.5, eval_mode='11points')
test_evaluator = val_evaluator
