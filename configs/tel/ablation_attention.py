"""Ablation: contexts by dilated attention instead of convolution."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(coarse=dict(operator='attention'))
model = dict(branches=dict(video=part, text=part))
