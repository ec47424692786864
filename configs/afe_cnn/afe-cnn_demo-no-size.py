"""Ablation: metres in place of torso lengths."""

_base_ = 'afe-cnn_demo.py'

changes = dict(dataset=dict(pipeline=dict(normalize=dict(size='none'))))
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
