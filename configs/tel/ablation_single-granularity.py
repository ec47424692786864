"""Ablation: four contexts of one dilation."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(coarse=dict(dilations=(1, 1, 1, 1)))
model = dict(branches=dict(video=part, text=part))
