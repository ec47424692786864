"""All interactions are sampled; no network estimates them."""

_base_ = 'loupe_demo.py'

model = dict(token_estimator=None)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='loss_weights.tsa', schedule='step', begin={{_base_.game_epoch}}),
    dict(type='ScheduledValueHook', path='loss_weights.fsa', schedule='step', begin={{_base_.game_epoch}}),
]
