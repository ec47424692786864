"""Baseline: the CNN of VA-CNN without its view module: ImageNet ResNet-50 on joints as 224 x 224 pixels.

Origin at the spine of the first frame, constants of the data set, random rotation, Adam, the rate falls on plateaus.
"""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    _delete_=True,
    type='mmaction.Recognizer2D',
    data_preprocessor=dict(type='mmaction.ActionDataPreprocessor'),
    backbone=dict(type='mmaction.ResNet', depth=50, pretrained='torchvision://resnet50', norm_eval=False),
    cls_head=dict(
        type='mmaction.TSNHead',
        num_classes=60,
        in_channels=2048,
        dropout_ratio=0.0,
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
        average_clips='prob',
    ),
)
changes = dict(
    normalize=dict(view='none', size='none'),
    frames=dict(length=224, strength=0.0),
    key=dict(key_joints=None, gain=0.5),
    bone=None,
    motion=None,
    image=dict(
        streams=('key',),
        mode='global',
        # The constants are those of VA-CNN, in metres: half of the size and the gain above make them metres again.
        ranges=(-5.28981208801, 5.18858098984),
        offset=110.0,
        order=False,
        resize=(224, 224),
        format='image',
    ),
)
train_dataloader = dict(
    batch_size=32, dataset=dict(times=1, dataset=dict(pipeline=dict(scale=None, jitter=None, crop=None, **changes)))
)
val_dataloader = dict(dataset=dict(pipeline=changes))
test_dataloader = val_dataloader
optim_wrapper = dict(_delete_=True, optimizer=dict(type='Adam', lr=1e-4))
param_scheduler = [
    dict(
        type='ReduceOnPlateauLR',
        monitor='acc/top1',
        rule='greater',
        factor=0.1,
        patience=2,
        cooldown=2,
        by_epoch=True,
    )
]
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='EarlyStoppingHook', monitor='acc/top1', rule='greater', patience=7),
]
train_cfg = dict(max_epochs=100)
auto_scale_lr = dict(base_batch_size=32)
