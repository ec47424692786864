"""Ablation: no level sees the coarser one."""

_base_ = 'visa_demo.py'

model = dict(neck=dict(structured=False))
