"""Ablation: no level sees the coarser one."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(neck=dict(structured=False))
