"""Ablation: segments are scored without their neighbours."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(head=dict(conv_layers=0))
