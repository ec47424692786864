"""Ablation: the roles of edges are not told apart."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(query_encoder=dict(role_aware=False), video_encoder=dict(role_aware=False))
