"""Ablation: coherence along the clip is that of order."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(coherence=dict(segment=dict(mode='order')))
