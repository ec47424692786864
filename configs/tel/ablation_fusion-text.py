"""Ablation: the fusion is the text branch, which still learns from the video."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(fusion_weights=(0.0, 1.0))
