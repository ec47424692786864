"""Ablation: the fusion is the video branch, which still learns from the text."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(fusion_weights=(1.0, 0.0))
