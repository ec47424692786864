"""Skeleton images of AFE-CNN in front of SlimCLR's slimmable ResNet: a recogniser of actions with two sizes in one.

mmaction2's ``Recognizer2D`` takes the image of a clip (rows are time, columns joints, channels features) as it takes a
frame of a video. Both widths are trained in each step, and each is validated.
"""

_base_ = '../examples/stgcn_skeleton-actions.py'

model = dict(
    _delete_=True,
    type='mmaction.Recognizer2D',
    data_preprocessor=dict(type='mmaction.ActionDataPreprocessor'),
    backbone=dict(
        type='SlimmableResNet',
        depth=18,
        widths=(1.0, 0.5),
        # Joints as seen from five key joints, bones, velocities at two scales.
        in_channels=15 + 3 + 6,
        base_channels=16,
        stage_blocks=(1, 1, 1, 1),
        stem='small',
        pad_outputs=True,
        as_tuple=False,
        zero_init_residual=False,
    ),
    cls_head=dict(
        type='mmaction.TSNHead',
        num_classes=4,
        in_channels=128,
        dropout_ratio=0.0,
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
        average_clips='prob',
    ),
)

pipeline = [
    dict(type='SanitizeSkeleton', num_person=1),
    dict(type='BodyFrameNormalize', layout='nturgb+d'),
    dict(type='KeyJointEnhance'),
    dict(type='BoneVectorEnhance'),
    dict(type='TemporalEnhance'),
    dict(type='KeyFrameEnhance', length=32),
    dict(type='SkeletonImageEncode', streams=('key', 'bone', 'motion'), format='image'),
    dict(type='mmaction.PackActionInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
val_dataloader = dict(dataset=dict(pipeline=pipeline))
test_dataloader = val_dataloader

train_cfg = dict(_delete_=True, type='MultiWidthTrainLoop', max_epochs=10, val_interval=10)
val_cfg = dict(type='MultiWidthValLoop')
test_cfg = dict(type='MultiWidthTestLoop')
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=10, convert_to_iter_based=True)]
default_hooks = dict(checkpoint=dict(interval=10))
