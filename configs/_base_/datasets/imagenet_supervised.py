"""Labelled images with the colour augmentation of supervised training; validation as for a probe."""

_base_ = 'imagenet_probe.py'

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomResizedCrop', size=224, scale=(0.08, 1.0)),
            dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4),
            dict(type='RandomFlip', prob=0.5),
            dict(type='Lighting', alpha_std=0.1),
            dict(type='PackClassificationInputs'),
        ]
    )
)
