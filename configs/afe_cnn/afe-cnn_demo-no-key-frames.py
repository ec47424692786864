"""Ablation: rows at even distances."""

_base_ = 'afe-cnn_demo.py'

changes = dict(dataset=dict(pipeline=dict(frames=dict(strength=0.0))))
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
