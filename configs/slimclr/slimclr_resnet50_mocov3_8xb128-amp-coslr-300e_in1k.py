"""SlimCLR on MoCo v3, ResNet-50 at four widths, 300 epochs (Zhao et al., IJCV 2024)."""

_base_ = ['../_base_/datasets/imagenet_mocov3.py', '../_base_/default_runtime.py']

widths = (1.0, 0.75, 0.5, 0.25)
max_epochs = 300

model = dict(
    type='SlimmableMoCoV3',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='SlimmableResNet', depth=50, widths=widths, norm_cfg=dict(type='SyncBN')),
    neck=dict(
        type='SlimmableMLPNeck',
        in_channels=2048,
        hid_channels=4096,
        out_channels=256,
        bias=False,
        with_bn=True,
        last_bn=True,
        last_bn_affine=False,
        sync_bn=True,
        widths=widths,
    ),
    predictor=dict(
        type='SlimmableMLPNeck',
        in_channels=256,
        hid_channels=4096,
        out_channels=256,
        bias=False,
        with_bn=True,
        last_bn=False,
        sync_bn=True,
        avg_pool=False,
        slim_input=False,
        # The original code leaves it at PyTorch's initialisation.
        init_std=None,
        widths=widths,
    ),
    loss=dict(
        type='SlimmableContrastiveLoss',
        temperature=1.0,
        scale=2.0,
        distill=dict(type='LogitKLDistill', tau_teacher=1.0, tau_student=1.0),
        distill_on='logits',
        distill_weight=0.5,
        reweight='full_plus_sum',
    ),
    base_momentum=0.99,
)

# 8 GPUs with 128 images each
train_dataloader = dict(batch_size=128)
auto_scale_lr = dict(base_batch_size=1024, enable=False)

optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    # Decay and trust ratio on tensors with more than one axis alone.
    optimizer=dict(type='LARS', lr=1.2, momentum=0.9, weight_decay=1e-6, trust_coefficient=0.001),
)
# 9.9 epochs of warm-up: 3.3 % of training.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-8, by_epoch=True, begin=0, end=9.9, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=9.9,
        T_max=max_epochs - 9.9,
        end=max_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    ),
]
custom_hooks = [
    dict(type='EpochSeedHook'),
    # With the sub-networks the base of the learning rate becomes 3.2.
    dict(type='SlowStartHook', start_epoch=max_epochs // 2, lr_factor=3.2 / 1.2),
    # m = 1 - (1 + cos(pi e / E)) / 2 * (1 - 0.99), with the fractional epoch e
    dict(
        type='ScheduledValueHook',
        path='key_encoder.momentum',
        schedule='cosine',
        start_value=0.99,
        end_value=1.0,
        by='epoch',
    ),
]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
randomness = dict(seed=3407)
find_unused_parameters = True
