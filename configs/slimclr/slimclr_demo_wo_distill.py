"""Ablation: the full width does not teach the others."""

_base_ = 'slimclr_demo.py'

model = dict(loss=dict(distill=None))
