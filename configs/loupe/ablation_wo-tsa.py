"""Without the first game: the head of the regions stays as it is initialised."""

_base_ = 'loupe_swin-l_bert-small_8xb64-20e_cc3m-cc12m.py'

model = dict(loss_region=None, token_estimator=None)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='loss_weights.fsa', schedule='step', begin=2),
]
