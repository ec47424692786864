"""Ablation: the local graph is not steered by the statement."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(local_graph=dict(adaptive=False))
