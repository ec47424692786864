"""Ablation: the joints themselves in place of those seen from key joints."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(backbone=dict(stream_channels=(3, 3, 6)))
changes = dict(dataset=dict(pipeline=dict(key=dict(key_joints=None))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
