"""Ablation: columns in the order of the Kinect."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

changes = dict(dataset=dict(pipeline=dict(image=dict(order=False))))
train_dataloader = dict(dataset=changes)
val_dataloader = changes
test_dataloader = changes
