"""Two views of MoCo v2 (Chen et al., 2020), both augmented alike."""

_base_ = 'imagenet.py'

view_pipeline = [
    dict(type='RandomResizedCrop', size=224, scale=(0.2, 1.0)),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)],
    ),
    # Weights of the grey value, for images in BGR order.
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
    dict(type='RandomApply', prob=0.5, transforms=[dict(type='GaussianBlur', sigma=(0.1, 2.0))]),
    dict(type='RandomFlip', prob=0.5),
]
train_dataloader = dict(
    dataset=dict(
        with_label=False,
        pipeline=[
            dict(type='LoadImage'),
            dict(type='MultiView', num_views=2, transforms=view_pipeline),
            dict(type='PackSelfSupInputs'),
        ],
    )
)
