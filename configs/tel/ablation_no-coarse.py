"""Ablation: no coarse stream; every line is its own only context."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(coarse=None)
model = dict(branches=dict(video=part, text=part))
