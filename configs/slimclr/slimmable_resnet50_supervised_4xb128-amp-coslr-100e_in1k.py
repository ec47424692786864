"""Supervised slimmable ResNet-50: every width trained with labels, the reference of SlimCLR's figure 1."""

_base_ = ['../_base_/datasets/imagenet_supervised.py', '../_base_/default_runtime.py']

widths = (1.0, 0.75, 0.5, 0.25)
max_epochs = 100

model = dict(
    type='SlimmableClassifier',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='SlimmableResNet', depth=50, widths=widths),
    head=dict(
        type='SwitchableLinearHead',
        in_channels=2048,
        num_classes=1000,
        widths=widths,
        kind='slimmable',
        distill=False,
    ),
    freeze_backbone=False,
)

train_dataloader = dict(batch_size=128)
auto_scale_lr = dict(base_batch_size=512, enable=False)

optim_wrapper = dict(
    type='AmpOptimWrapper',
    loss_scale='dynamic',
    optimizer=dict(type='SGD', lr=0.2, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-8, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        by_epoch=True,
        begin=5,
        T_max=max_epochs - 5,
        end=max_epochs,
        eta_min=0,
        convert_to_iter_based=True,
    ),
]

train_cfg = dict(by_epoch=True, max_epochs=max_epochs, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(checkpoint=dict(save_best='accuracy/mean/top1'))
randomness = dict(seed=3407)
