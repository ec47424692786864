"""Ablation: all widths train from the start."""

_base_ = 'slimclr_demo.py'

custom_hooks = [dict(type='EpochSeedHook')]
