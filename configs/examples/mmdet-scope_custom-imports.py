"""A config of mmdet's own, in mmdet's scope, that uses a part and a hook of vlplugins.

``custom_imports`` is all that mmdet needs to know of vlplugins. The part: a backbone at half of its width. The hook:
the weight of the box loss grows over the first half of the training.
"""

_base_ = 'mmdet::retinanet/retinanet_r18_fpn_1x_coco.py'

custom_imports = dict(imports=['vlplugins'], allow_failed_imports=False)

model = dict(
    backbone=dict(
        _delete_=True,
        type='vlplugins.SlimmableResNet',
        depth=18,
        widths=(1.0, 0.5),
        default_width=0.5,
        out_indices=(0, 1, 2, 3),
        # Small, as the images are: a quarter of the channels, one block a stage, trained from nothing.
        base_channels=32,
        stage_blocks=(1, 1, 1, 1),
        zero_init_residual=False,
    ),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32, stacked_convs=1, num_classes=3),
)

max_epochs = 20  # 8 iterations each
custom_hooks = [
    dict(
        type='vlplugins.ScheduledValueHook',
        path='bbox_head.loss_bbox.loss_weight',
        schedule='linear',
        start_value=0.1,
        end_value=1.0,
        begin=0,
        end=0.5,
        by='progress',
    )
]

# The set of shapes in COCO's layout; tools/train.py writes it. (mmdet's own tools take any COCO set that is there.)
data_root = 'data/synthetic/coco_shapes/'
synthetic_data = dict(type='vlplugins.SyntheticCocoShapes', root=data_root)
metainfo = dict(classes=('circle', 'square', 'triangle'))
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='Resize', scale=(96, 96), keep_ratio=True),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(96, 96), keep_ratio=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(
        type='PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(data_root=data_root, metainfo=metainfo, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(data_root=data_root, metainfo=metainfo, pipeline=test_pipeline),
)
test_dataloader = val_dataloader
val_evaluator = dict(ann_file=data_root + 'annotations/instances_val2017.json')
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=max_epochs, val_interval=max_epochs)
optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=2e-3, weight_decay=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=16),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True),
]
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=max_epochs))
