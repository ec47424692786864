"""Ablation: edges between events know nothing of time."""

_base_ = 'ahgn_demo.py'

model = dict(statement_graph=dict(temporal_edges=False))
