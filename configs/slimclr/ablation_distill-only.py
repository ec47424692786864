"""Ablation: online distillation alone."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

model = dict(loss=dict(reweight='none'))
custom_hooks = [dict(type='EpochSeedHook')]
