"""Ablation: no coherence losses; their parts stay untrained, to be measured."""

_base_ = 'ahgn_demo.py'

model = dict(
    coherence=dict(local=dict(loss_weight=0.0), segment=dict(loss_weight=0.0), glob=dict(loss_weight=0.0)),
)
custom_hooks = [dict(type='EpochSeedHook')]
