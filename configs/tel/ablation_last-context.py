"""Ablation: the widest context alone is added to each line."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(fine=dict(integration='last'))
model = dict(branches=dict(video=part, text=part))
