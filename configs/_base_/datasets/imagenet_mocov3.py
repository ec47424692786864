"""Two views of MoCo v3 (Chen et al., ICCV 2021): the first always blurred, the second rarely, but solarised."""

_base_ = 'imagenet.py'

color_pipeline = [
    dict(type='RandomResizedCrop', size=224, scale=(0.2, 1.0)),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)],
    ),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
]
first_view = [
    *color_pipeline,
    dict(type='GaussianBlur', sigma=(0.1, 2.0)),
    dict(type='RandomFlip', prob=0.5),
]
second_view = [
    *color_pipeline,
    dict(type='RandomApply', prob=0.1, transforms=[dict(type='GaussianBlur', sigma=(0.1, 2.0))]),
    dict(type='RandomApply', prob=0.2, transforms=[dict(type='Solarize', threshold=128)]),
    dict(type='RandomFlip', prob=0.5),
]
train_dataloader = dict(
    dataset=dict(
        with_label=False,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='MultiView', num_views=[1, 1], transforms=[first_view, second_view]),
            dict(type='PackSelfSupInputs'),
        ],
    )
)
