"""Ablation: the verdict is the mean of those of the events."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(head=dict(verdict='mean'))
