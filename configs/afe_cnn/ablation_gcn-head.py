"""Ablation: one stream of all channels, and mmaction2's head."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(stream_channels=(24,)),
    cls_head=dict(
        _delete_=True,
        type='mmaction.GCNHead',
        num_classes=60,
        in_channels=256,
        loss_cls=dict(type='mmaction.CrossEntropyLoss'),
    ),
)
