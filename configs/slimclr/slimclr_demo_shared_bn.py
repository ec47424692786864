"""Ablation: one normalisation per layer, cut to each width, in place of one per width."""

_base_ = 'slimclr_demo.py'

model = dict(backbone=dict(switchable_bn=False))
