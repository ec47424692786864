"""Ablation: the statement is one event."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(statement_encoder=dict(structure=False))
