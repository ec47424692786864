"""Ablation: scores are means over eight samples of the prior."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(num_samples=8)
