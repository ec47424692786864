"""Ablation: one joint of fifty is lost in training, and put where its parent is."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

drop = dict(type='RandomJointDrop', layout='nturgb+d', probability=0.02)
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=dict(drop=drop))))
