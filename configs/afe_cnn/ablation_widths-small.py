"""Ablation: 0.09 M weights."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(
    backbone=dict(widths=(16, 32, 64)),
    cls_head=dict(in_channels=64),
)
