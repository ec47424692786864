"""Ablation: turned about the vertical alone."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(normalize=dict(view='yaw'))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
