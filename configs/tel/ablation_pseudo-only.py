"""Ablation: pseudo labels without consensus over time."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(consensus_loss=None)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='pseudo_loss.loss_weight', end_value=0.5, begin=0.3, end=0.4, by='progress'),
]
