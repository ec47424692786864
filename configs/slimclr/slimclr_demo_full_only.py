"""Ablation: the full width is trained alone; the narrow ones are cut from it."""

_base_ = 'slimclr_demo.py'

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='subnets_enabled', schedule='constant', start_value=False),
]
