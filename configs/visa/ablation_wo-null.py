"""Ablation: every node must match something."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(neck=dict(null_node=False))
