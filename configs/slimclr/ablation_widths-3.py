"""Ablation: three widths."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

widths = (1.0, 0.5, 0.25)
model = dict(backbone=dict(widths=widths), neck=dict(widths=widths))
