"""Variant: logs which contexts each emotion prefers; validated on the films with boundaries."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='consensus_loss.loss_weight', begin=0.3, end=0.4, by='progress'),
    dict(type='ScheduledValueHook', path='pseudo_loss.loss_weight', end_value=0.5, begin=0.3, end=0.4, by='progress'),
    dict(type='GranularityLogHook'),
]
