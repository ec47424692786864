"""UTT with ResNet-18 for 100 000 steps, the setting of the ablations; half of MOT17 is kept for tests."""

_base_ = './utt_r50_8xb8-8xb2-800k_unified.py'

max_iters = 100_000
model = dict(
    detector=dict(
        backbone=dict(depth=18, init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet18')),
        neck=dict(in_channels=[128, 256, 512]),
    )
)
mot_sets = [dict(_base_.mot17_half_train, pipeline=_base_.mot_pipeline), _base_.mot_dataloader.dataset.datasets[1]]
train_dataloader = dict(mot=dict(dataset=dict(datasets=mot_sets)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=2000),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=2000, end=max_iters, T_max=max_iters - 2000, eta_min=1e-5),
]
train_cfg = dict(max_iters=max_iters, val_interval=max_iters)
