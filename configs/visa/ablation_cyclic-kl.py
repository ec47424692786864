"""Ablation: the weight of the divergence grows four times."""

_base_ = 'visa_i3d_b32-50e_charades-cg.py'

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='kl_weight', schedule='cyclic', cycles=4, by='epoch'),
]
