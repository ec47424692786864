"""Ablation: 8 bits of a fixed range."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(image=dict(mode='fixed'))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
