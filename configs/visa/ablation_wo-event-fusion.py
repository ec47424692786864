"""Ablation: the states of the events have no part in the map; correspondences alone decide."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

model = dict(head=dict(event_fusion=False))
