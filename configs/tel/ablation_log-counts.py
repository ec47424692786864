"""Variant: a class that the annotators named more often weighs more."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(clip_loss=dict(type='MultiLabelClipLoss', counts='log'))
