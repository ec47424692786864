"""Ablation: no stream of bones."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(stream_channels=(15, 6)),
    cls_head=dict(num_streams=2, stream_names=('key', 'motion')),
)
changes = dict(dataset=dict(pipeline=dict(bone=None, image=dict(streams=('key', 'motion')))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
