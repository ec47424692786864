"""AdamW for 800 000 steps, by turns on single and on many objects.

The paper's algorithm does a step on both in one turn of its loop, and the release counts each step: whether 800 000 are
turns or steps is not said. Here they are steps.
"""

max_iters = 800_000
optim_wrapper = dict(
    constructor='MergedOptimWrapperConstructor',
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=5e-3),
    paramwise_cfg=dict(norm_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=2000),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=2000, end=max_iters, T_max=max_iters - 2000, eta_min=1e-5),
]
train_cfg = dict(type='AlternatingTrainLoop', max_iters=max_iters, order=('sot', 'mot'), val_interval=max_iters)
val_cfg = dict()
test_cfg = dict()
