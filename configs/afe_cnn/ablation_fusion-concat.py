"""Ablation: one classifier on the features of all streams."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(cls_head=dict(fusion='concat'))
