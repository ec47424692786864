"""Ablation: consensus at full weight from the start."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

custom_hooks = [dict(type='EpochSeedHook')]
