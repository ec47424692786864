"""CIFAR-10: two augmented views of 32 pixels, and nearest neighbours on the validation set.

data/cifar10 holds the binary version (data_batch_1.bin ... test_batch.bin).
"""

data_root = 'data/cifar10'
data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    mean=[125.3, 123.0, 113.9],
    std=[63.0, 62.1, 66.7],
    bgr_to_rgb=True,
)
view_pipeline = [
    dict(type='RandomResizedCrop', size=32, scale=(0.2, 1.0)),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='RandomApply',
        prob=0.8,
        transforms=[dict(type='ColorJitter', brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)],
    ),
    dict(type='RandomGrayscale', prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.299)),
]
loader = dict(
    num_workers=2,
    persistent_workers=False,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='default_collate'),
)
train_dataloader = dict(
    batch_size=512,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CIFAR10Dataset',
        data_root=data_root,
        split='train',
        pipeline=[
            dict(type='LoadImage'),
            dict(type='MultiView', num_views=2, transforms=view_pipeline),
            dict(type='PackSelfSupInputs'),
        ],
    ),
    **loader,
)
val_dataloader = dict(
    batch_size=512,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='CIFAR10Dataset',
                data_root=data_root,
                split=split,
                extra_info=dict(role=role),
                test_mode=True,
                pipeline=[dict(type='LoadImage'), dict(type='PackClassificationInputs')],
            )
            for split, role in (('train', 'bank'), ('test', 'query'))
        ],
    ),
    **loader,
)
test_dataloader = val_dataloader
val_evaluator = [dict(type='KNNAccuracy', k=200, temperature=0.1)]
test_evaluator = val_evaluator
