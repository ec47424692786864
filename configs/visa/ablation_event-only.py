"""Ablation: whole sentences with whole segments alone; no local graphs."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(neck=dict(levels=('event',)))
