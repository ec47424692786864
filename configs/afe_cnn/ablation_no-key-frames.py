"""Ablation: rows at even distances."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(frames=dict(strength=0.0))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
