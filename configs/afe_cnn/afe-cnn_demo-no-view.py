"""Ablation: axes of the camera in place of those of the body."""

_base_ = 'afe-cnn_demo.py'

changes = dict(dataset=dict(pipeline=dict(normalize=dict(view='none'))))
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
