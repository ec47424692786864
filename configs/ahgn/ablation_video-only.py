"""Ablation: video only."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(premise_encoder=dict(modalities=('video',)), coherence=dict(local=None))
ramp = dict(type='ScheduledValueHook', begin=1, end=2, by='epoch')
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(path='coherence.segment.loss_weight', end_value=0.1, **ramp),
    dict(path='coherence.glob.loss_weight', end_value=0.5, **ramp),
]
