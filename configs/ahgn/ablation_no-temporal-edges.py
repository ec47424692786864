"""Ablation: edges between events know nothing of time."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(statement_graph=dict(temporal_edges=False))
