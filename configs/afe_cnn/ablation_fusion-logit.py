"""Ablation: the mean of logits."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(cls_head=dict(fusion='logit'))
