"""The CIFAR-10 study of SlimCLR: slimmable ResNet-20 (64, 128, 256 channels) at two widths, kNN every 10 epochs."""

_base_ = ['../_base_/datasets/cifar10_mocov2.py', '../_base_/default_runtime.py']

widths = (1.0, 0.5)

model = dict(
    type='SlimmableMoCo',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='SlimmableResNet', depth=20, stem='small', base_channels=64, widths=widths),
    neck=dict(
        type='SlimmableMLPNeck', in_channels=256, hid_channels=256, out_channels=128, num_layers=1, widths=widths
    ),
    # The study shows plain joint training.
    loss=dict(type='SlimmableContrastiveLoss', temperature=0.1, distill=None, reweight='none'),
    queue_len=4096,
    feat_dim=128,
    momentum=0.99,
)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.06, momentum=0.9, weight_decay=5e-4))
param_scheduler = [dict(type='CosineAnnealingLR', by_epoch=True, T_max=100, eta_min=0, convert_to_iter_based=True)]
# Weight files of the trajectory study, and the gradients of full and narrow width.
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=-1, save_optimizer=False))
custom_hooks = [dict(type='EpochSeedHook'), dict(type='GradientImbalanceHook', interval=20, widths=widths)]
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=10)
val_cfg = dict()
test_cfg = dict()
