"""Lifter with generated poses: 50 epochs from the weights of the baseline (load_from), rate falling to 2 / 51."""

_base_ = '../default_runtime.py'

max_epochs = 50
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-4), clip_grad=dict(max_norm=1.0))
# In epoch e, from 0: 1 - e / 51.
param_scheduler = [dict(type='LinearLR', by_epoch=True, begin=0, end=max_epochs, start_factor=1.0, end_factor=2 / 51)]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(checkpoint=dict(save_best='MPJPE', rule='less'))
auto_scale_lr = dict(base_batch_size=1024)
