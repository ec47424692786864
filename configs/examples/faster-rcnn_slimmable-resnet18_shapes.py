"""mmdet's Faster R-CNN with a vlplugins backbone, trained and validated at two widths of that backbone.

The scope of the run is vlplugins, so parts of mmdet are named ``mmdet.X``; what comes from mmdet's own file keeps its
scope, and in there the backbone is named ``vlplugins.X``.
"""

_base_ = ['mmdet::_base_/models/faster-rcnn_r50_fpn.py', '../_base_/default_runtime.py']

data_root = 'data/synthetic/coco_shapes/'
synthetic_data = dict(type='SyntheticCocoShapes', root=data_root)
classes = ('circle', 'square', 'triangle')

model = dict(
    backbone=dict(
        _delete_=True,
        type='vlplugins.SlimmableResNet',
        depth=18,
        # A network for images of 96 pixels: a quarter of the channels, one block a stage, trained from nothing.
        base_channels=16,
        stage_blocks=(1, 1, 1, 1),
        zero_init_residual=False,
        widths=(1.0, 0.5),
        out_indices=(0, 1, 2, 3),
        # One neck and one head for all widths.
        pad_outputs=True,
    ),
    neck=dict(in_channels=[16, 32, 64, 128], out_channels=32),
    rpn_head=dict(in_channels=32, feat_channels=32, anchor_generator=dict(scales=[4])),
    roi_head=dict(
        bbox_roi_extractor=dict(out_channels=32),
        bbox_head=dict(in_channels=32, fc_out_channels=128, num_classes=len(classes)),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=100),
        rcnn=dict(sampler=dict(num=64)),
    ),
    test_cfg=dict(rpn=dict(nms_pre=200, max_per_img=100), rcnn=dict(max_per_img=20)),
)

train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(type='mmdet.Resize', scale=(96, 96), keep_ratio=True),
    dict(type='mmdet.RandomFlip', prob=0.5),
    dict(type='mmdet.PackDetInputs'),
]
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='mmdet.Resize', scale=(96, 96), keep_ratio=True),
    dict(type='mmdet.LoadAnnotations', with_bbox=True),
    dict(
        type='mmdet.PackDetInputs',
        meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
    ),
]
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='mmdet.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_train2017.json',
        data_prefix=dict(img='train2017/'),
        metainfo=dict(classes=classes),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='mmdet.CocoDataset',
        data_root=data_root,
        ann_file='annotations/instances_val2017.json',
        data_prefix=dict(img='val2017/'),
        metainfo=dict(classes=classes),
        test_mode=True,
        pipeline=test_pipeline,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='mmdet.CocoMetric', ann_file=data_root + 'annotations/instances_val2017.json', metric='bbox')
test_evaluator = val_evaluator

max_epochs = 20  # 8 iterations each
train_cfg = dict(type='MultiWidthTrainLoop', max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict(type='MultiWidthValLoop')
test_cfg = dict(type='MultiWidthTestLoop')
# The normalisation of the other width has no gradient in a pass.
find_unused_parameters = True

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=10, norm_type=2))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=16),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, convert_to_iter_based=True),
]
default_hooks = dict(logger=dict(interval=8), checkpoint=dict(interval=max_epochs))
