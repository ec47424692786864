"""Ablation: one normalisation per layer, cut to each width, in place of one per width."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

model = dict(backbone=dict(switchable_bn=False))
