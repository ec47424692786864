"""Ablation: the sub-networks start at epoch 50 instead of 100."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

custom_hooks = [dict(type='EpochSeedHook'), dict(type='SlowStartHook', start_epoch=50)]
