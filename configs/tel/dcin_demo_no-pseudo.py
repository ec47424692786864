"""Ablation: consensus over time without pseudo labels."""

_base_ = 'dcin_demo.py'

model = dict(pseudo_loss=None)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(
        type='ScheduledValueHook',
        path='consensus_loss.loss_weight',
        end_value=1.0,
        begin=0.4,
        end=0.5,
        by='progress',
    ),
]
