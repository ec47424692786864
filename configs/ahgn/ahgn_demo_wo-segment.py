"""Ablation: no graph along the clip; the evidence is still read."""

_base_ = 'ahgn_demo.py'

model = dict(segment_graph=dict(layers=0))
