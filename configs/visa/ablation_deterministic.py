"""Ablation: correspondences are the means of the prior; no posterior, no divergence."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(neck=dict(variational=False))
custom_hooks = [dict(type='EpochSeedHook')]
