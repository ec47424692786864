"""Ablation: the graph along the clip is not steered by the events."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(segment_graph=dict(adaptive=False))
