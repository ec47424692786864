"""Ablation: no local graph; means of frames and words."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(local_graph=dict(layers=0))
