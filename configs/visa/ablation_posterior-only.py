"""Ablation: the map is trained on correspondences of the posterior alone."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(alpha=1.0)
