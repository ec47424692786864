"""Ablation: the mean of the contexts is added to each line."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(fine=dict(integration='mean'))
model = dict(branches=dict(video=part, text=part))
