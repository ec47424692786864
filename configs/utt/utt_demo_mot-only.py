"""The demo of UTT on many objects alone, with as many steps on these."""

_base_ = './utt_demo.py'

max_iters = 450
param_scheduler = [
    dict(type='LinearLR', start_factor=0.05, by_epoch=False, begin=0, end=45),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=45, end=max_iters, T_max=max_iters - 45, eta_min=1e-5),
]
train_cfg = dict(max_iters=max_iters, order=('mot',), val_interval=max_iters)
default_hooks = dict(checkpoint=dict(interval=max_iters))
