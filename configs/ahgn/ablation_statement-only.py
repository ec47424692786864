"""Ablation: statement only."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

model = dict(premise_encoder=dict(modalities=()), coherence=dict(local=None, segment=None))
ramp = dict(type='ScheduledValueHook', begin=1, end=2, by='epoch')
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(path='coherence.glob.loss_weight', end_value=0.5, **ramp),
]
