"""Lifter on real pairs alone, as PoseAug trains its baselines: 50 epochs of Adam."""

_base_ = '../default_runtime.py'

max_epochs = 50
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3), clip_grad=dict(max_norm=1.0))
param_scheduler = [dict(type='StepLR', by_epoch=False, step_size=100_000, gamma=0.96)]
train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(checkpoint=dict(save_best='MPJPE', rule='less'))
auto_scale_lr = dict(base_batch_size=1024)
