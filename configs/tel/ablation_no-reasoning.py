"""Ablation: contexts are integrated without an exchange between them."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(fine=dict(num_rounds=0))
model = dict(branches=dict(video=part, text=part))
