"""Ablation: weights of the streams are learned by a loss on the fused score."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(cls_head=dict(weights='learned'))
