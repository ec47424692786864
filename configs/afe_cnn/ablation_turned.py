"""Ablation: tested on clips that are turned by a right angle about the vertical, of people of 0.7 of their size."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

before = dict(type='ChangeSkeletonView', yaw=90.0, scale=0.7)
test_dataloader = dict(dataset=dict(pipeline=dict(before=before)))
