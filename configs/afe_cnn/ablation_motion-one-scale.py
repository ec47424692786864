"""Ablation: one scale of motion."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(backbone=dict(stream_channels=(15, 3, 3)))
changes = dict(dataset=dict(pipeline=dict(motion=dict(scales=(1,)))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
