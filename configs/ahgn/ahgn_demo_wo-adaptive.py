"""Ablation: no graph is steered by the statement, and events look at all segments alike."""

_base_ = 'ahgn_demo.py'

model = dict(local_graph=dict(adaptive=False), segment_graph=dict(adaptive=False, evidence=False))
