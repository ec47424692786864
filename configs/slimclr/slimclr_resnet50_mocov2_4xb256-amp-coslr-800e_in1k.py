"""SlimCLR on MoCo v2, 800 epochs."""

_base_ = 'slimclr_resnet50_mocov2_4xb256-amp-coslr-200e_in1k.py'

max_epochs = 800

param_scheduler = [
    dict(type='LinearLR', start_factor=1e-8, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=10,
        T_max=max_epochs - 10,
        end=max_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [dict(type='EpochSeedHook'), dict(type='SlowStartHook', start_epoch=max_epochs // 2)]
train_cfg = dict(max_epochs=max_epochs)
