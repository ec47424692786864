"""Semi-supervised fine-tuning of backbone and head on 1 % of the labels (the lists of SimCLR).

The list becomes an annotation file by tools/dataset_converters/imagenet_subset.py. The paper's release has no such
recipe: schedule and rates are this project's choice. Give the checkpoint with --cfg-options load_from=...
"""

_base_ = 'slimclr_resnet50-mocov2_linear-probe_8xb128-steplr-100e_in1k.py'

max_epochs = 60

model = dict(freeze_backbone=False)
train_dataloader = dict(batch_size=64, dataset=dict(ann_file='1percent.txt'))
auto_scale_lr = dict(base_batch_size=256)
optim_wrapper = dict(
    optimizer=dict(lr=0.02),
    # The head starts from nothing.
    paramwise_cfg=dict(custom_keys={'head': dict(lr_mult=10)}),
)
param_scheduler = [
    dict(type='MultiStepLR', by_epoch=True, milestones=[int(0.7 * max_epochs), int(0.9 * max_epochs)], gamma=0.1)
]
custom_hooks = [dict(type='EpochSeedHook')]
train_cfg = dict(max_epochs=max_epochs)
