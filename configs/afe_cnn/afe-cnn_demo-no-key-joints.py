"""Ablation: the joints themselves in place of those seen from key joints."""

_base_ = 'afe-cnn_demo.py'

model = dict(backbone=dict(stream_channels=(3, 3, 6)))
changes = dict(dataset=dict(pipeline=dict(key=dict(key_joints=None))))
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
