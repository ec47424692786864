"""Ablation: the losses of all widths count the same."""

_base_ = 'slimclr_demo.py'

model = dict(loss=dict(reweight='none'))
