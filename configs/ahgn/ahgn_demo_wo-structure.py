"""Ablation: the statement is one event."""

_base_ = 'ahgn_demo.py'

model = dict(statement_encoder=dict(structure=False))
