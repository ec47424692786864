"""Ablation: no graph over the events."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(statement_graph=dict(layers=0, temporal_edges=False))
