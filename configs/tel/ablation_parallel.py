"""Ablation: every context from the line itself, not from the one before it."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

part = dict(coarse=dict(parallel=True))
model = dict(branches=dict(video=part, text=part))
