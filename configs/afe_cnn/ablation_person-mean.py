"""Ablation: the mean over the persons that are present."""

_base_ = 'afe-cnn_8xb16-80e_ntu60-xsub.py'

model = dict(cls_head=dict(person_pool='mean'))
