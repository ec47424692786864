"""Ablation: the map is trained on correspondences of the prior alone."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(alpha=0.0)
