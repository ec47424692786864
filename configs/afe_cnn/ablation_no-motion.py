"""Ablation: no stream of velocities."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(stream_channels=(15, 3)),
    cls_head=dict(num_streams=2, stream_names=('key', 'bone')),
)
changes = dict(dataset=dict(pipeline=dict(motion=None, image=dict(streams=('key', 'bone')))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
