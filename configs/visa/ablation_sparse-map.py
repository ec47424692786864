"""Ablation: of the long segments only some."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(video_encoder=dict(num_coarse=32, sparse=True))
