"""Ablation: consensus over time without pseudo labels."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(pseudo_loss=None)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(
        type='ScheduledValueHook', path='consensus_loss.loss_weight', end_value=1.0, begin=0.3, end=0.4, by='progress'
    ),
]
