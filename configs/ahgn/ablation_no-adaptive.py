"""Ablation: no graph is steered by the statement, and events look at all segments alike."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(local_graph=dict(adaptive=False), segment_graph=dict(adaptive=False, evidence=False))
