"""Ablation: no attention."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(backbone=dict(attention=None))
