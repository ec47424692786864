"""Without the first game: the head stays as it is initialised; the rest, and the answer, as in the demo."""

_base_ = 'loupe_demo.py'

model = dict(token_estimator=None, loss_region=None)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='loss_weights.fsa', schedule='step', begin={{_base_.game_epoch}}),
]
