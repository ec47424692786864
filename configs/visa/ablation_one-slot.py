"""Ablation: one concept for each position."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(video_encoder=dict(num_slots=1))
