"""SlimCLR on MoCo v2, ResNet-50 at four widths, 200 epochs (Zhao et al., IJCV 2024)."""

_base_ = ['../_base_/datasets/imagenet_mocov2.py', '../_base_/default_runtime.py']

widths = (1.0, 0.75, 0.5, 0.25)
max_epochs = 200

model = dict(
    type='SlimmableMoCo',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='SlimmableResNet', depth=50, widths=widths),
    neck=dict(type='SlimmableMLPNeck', in_channels=2048, hid_channels=2048, out_channels=128, widths=widths),
    loss=dict(
        type='SlimmableContrastiveLoss',
        temperature=0.2,
        # On cosines, not on logits.
        distill=dict(type='LogitKLDistill', tau_teacher=5.0, tau_student=5.0),
        distill_weight=0.5,
        reweight='full_plus_sum',
    ),
    queue_len=65536,
    feat_dim=128,
    momentum=0.999,
    shuffle_bn=True,
)

# 4 GPUs with 256 images each
train_dataloader = dict(batch_size=256)
auto_scale_lr = dict(base_batch_size=1024, enable=False)

# Weight decay on all parameters, as MoCo v2 has it.
optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(type='SGD', lr=0.2, momentum=0.9, weight_decay=1e-4),
)
# Linear warm-up of 10 epochs, then cosine to 0, per iteration.
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
# The sub-networks sleep for the first half of training.
custom_hooks = [dict(type='EpochSeedHook'), dict(type='SlowStartHook', start_epoch=max_epochs // 2)]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs)
randomness = dict(seed=3407)
# Before the slow start ends, the normalisation of narrow widths has no gradient.
find_unused_parameters = True
