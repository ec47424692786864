"""Ablation: each width is taught by all wider ones."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

model = dict(loss=dict(teachers='all_wider'))
