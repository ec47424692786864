"""AFE-CNN: three streams of 15 + 3 + 6 channels (5 key joints, 2 scales of motion), 60 classes, 1.02 M weights."""

model = dict(
    type='mmaction.RecognizerGCN',
    data_preprocessor=dict(type='mmaction.ActionDataPreprocessor'),
    backbone=dict(
        type='AFECNN',
        stream_channels=(15, 3, 6),
        widths=(32, 64, 128, 256),
        attention=dict(joint=True, time=True),
    ),
    cls_head=dict(
        type='SkeletonFusionHead',
        num_classes=60,
        in_channels=256,
        num_streams=3,
        stream_names=('key', 'bone', 'motion'),
        fusion='score',
        person_pool='max',
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
    ),
)
