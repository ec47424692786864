"""Switchable linear probe of a MoCo v2 checkpoint: one classifier per width on the frozen backbone.

Give the pre-trained checkpoint with --cfg-options load_from=work_dirs/.../epoch_200.pth
"""

_base_ = ['../_base_/datasets/imagenet_probe.py', '../_base_/default_runtime.py']

widths = (1.0, 0.75, 0.5, 0.25)

model = dict(
    type='SlimmableClassifier',
    data_preprocessor={{_base_.data_preprocessor}},
    backbone=dict(type='SlimmableResNet', depth=50, widths=widths),
    head=dict(
        type='SwitchableLinearHead',
        in_channels=2048,
        num_classes=1000,
        widths=widths,
        kind='switchable',
        distill=True,
    ),
    freeze_backbone=True,
)

# 8 GPUs with 128 images each; single precision
train_dataloader = dict(batch_size=128)
auto_scale_lr = dict(base_batch_size=1024, enable=False)
optim_wrapper = dict(optimizer=dict(type='SGD', lr=60.0, momentum=0.9, weight_decay=0.0))
param_scheduler = [dict(type='MultiStepLR', by_epoch=True, milestones=[60, 80], gamma=0.1)]

custom_hooks = [dict(type='EpochSeedHook'), dict(type='FrozenBackboneCheckHook')]
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(checkpoint=dict(save_best='accuracy/mean/top1'))
