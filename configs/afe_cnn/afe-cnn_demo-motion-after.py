"""Ablation: velocities are differences of the rows, taken after the key frames are chosen."""

_base_ = 'afe-cnn_demo.py'

changes = dict(dataset=dict(pipeline=dict(motion=dict(after_sampling=True))))
train_dataloader = changes
val_dataloader = changes
test_dataloader = changes
