"""SlimCLR on SimCLR, ResNet-50 at four widths, 100 epochs (released code of Zhao et al., IJCV 2024)."""

_base_ = ['../_base_/datasets/imagenet_simclr.py', '../_base_/default_runtime.py']

widths = (1.0, 0.75, 0.5, 0.25)
max_epochs = 100

model = dict(
    type='SlimmableSimCLR',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='SlimmableResNet', depth=50, widths=widths, norm_cfg=dict(type='SyncBN')),
    neck=dict(
        type='SlimmableMLPNeck',
        in_channels=2048,
        hid_channels=2048,
        out_channels=128,
        bias=[True, False],
        with_bn=True,
        last_bn=True,
        last_bn_affine=True,
        sync_bn=True,
        widths=widths,
    ),
    loss=dict(
        type='SlimmableContrastiveLoss',
        temperature=0.1,
        distill=dict(type='LogitKLDistill', tau_teacher=5.0, tau_student=5.0),
        distill_weight=0.5,
        reweight='full_plus_sum',
    ),
)

# 8 GPUs with 128 images each
train_dataloader = dict(batch_size=128)
auto_scale_lr = dict(base_batch_size=1024, enable=False)

optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(type='LARS', lr=2.4, momentum=0.9, weight_decay=1e-6, trust_coefficient=0.001),
)
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

train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
randomness = dict(seed=3407)
find_unused_parameters = True
