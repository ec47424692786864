"""Ablation: 128 rows."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(frames=dict(length=128))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
