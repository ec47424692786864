"""Ablation: the text alone, with the features of the full setting."""

_base_ = 'ablation_no-consensus.py'

model = dict(branches=dict(video=None))
