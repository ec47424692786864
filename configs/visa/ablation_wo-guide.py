"""Ablation: nothing tells the correspondences to lie in the true segment."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(loss_guide=None)
