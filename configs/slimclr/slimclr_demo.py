"""SlimCLR (MoCo v2 form) on real handwritten digits: four widths from one pre-training, in two minutes on a CPU."""

_base_ = ['../_base_/datasets/digits.py', '../_base_/default_runtime.py']

widths = (1.0, 0.75, 0.5, 0.25)
max_epochs = 40  # 11 iterations each

model = dict(
    type='SlimmableMoCo',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(
        type='SlimmableResNet',
        depth=18,
        # A stem for small images and three stages of one block: 32, 64, 128 channels.
        stem='small',
        stage_blocks=(1, 1, 1),
        base_channels=32,
        in_channels=1,
        # Branches that start at zero take longer to learn than this run lasts.
        zero_init_residual=False,
        channels_last=True,
        widths=widths,
    ),
    # PyTorch's initialisation: with N(0, 0.01) a run this short does not leave the start.
    neck=dict(
        type='SlimmableMLPNeck', in_channels=128, hid_channels=128, out_channels=64, init_std=None, widths=widths
    ),
    loss=dict(
        type='SlimmableContrastiveLoss',
        temperature=0.2,
        distill=dict(type='LogitKLDistill', tau_teacher=5.0, tau_student=5.0),
        distill_weight=0.5,
        reweight='full_plus_sum',
    ),
    queue_len=1152,  # nine batches
    feat_dim=64,
    momentum=0.95,
)

optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=1e-4, fused=True))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-8, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', by_epoch=True, begin=2, T_max=38, eta_min=0, convert_to_iter_based=True),
]

# The sub-networks sleep for the first half of the training.
custom_hooks = [dict(type='EpochSeedHook'), dict(type='SlowStartHook', start_epoch=max_epochs // 2)]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=max_epochs)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(logger=dict(interval=11), checkpoint=dict(interval=10))
