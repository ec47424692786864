"""Ablation: no graph along the clip; the evidence is still read."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(segment_graph=dict(layers=0))
