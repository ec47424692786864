"""Ablation: velocities are differences of rows."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(motion=dict(after_sampling=True))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
