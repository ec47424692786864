"""Variant: the branches' features of a line are also drawn together."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(align_loss=dict(type='SegmentAlignmentLoss', loss_weight=0.1))
