"""Ablation: no edges between frames and words."""

_base_ = 'ahgn_demo.py'

model = dict(local_graph=dict(cross_modal=False))
