"""Ablation: the verdict is that of the whole statement."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(head=dict(verdict='global'))
