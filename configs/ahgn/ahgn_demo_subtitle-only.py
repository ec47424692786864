"""Ablation: subtitles without frames."""

_base_ = 'ahgn_demo.py'

model = dict(premise_encoder=dict(modalities=('subtitle',)), coherence=dict(local=None))
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='coherence.segment.loss_weight', end_value=0.5, begin=2, end=3, by='epoch'),
]
