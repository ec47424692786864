"""Switchable linear probe of a MoCo v3 checkpoint."""

_base_ = 'slimclr_resnet50-mocov2_linear-probe_8xb128-steplr-100e_in1k.py'

optim_wrapper = dict(optimizer=dict(lr=0.4))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=90, eta_min=0, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=90)
