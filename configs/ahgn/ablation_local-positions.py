"""Ablation: places inside a segment are told apart."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(premise_encoder=dict(local_positions=32))
