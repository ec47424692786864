"""ImageNet-1k: paths, loaders and preprocessing that all of its configs share.

Training images in data/imagenet/train/nXXXXXXXX/*.JPEG, validation images likewise (sorted into folders by
tools/dataset_converters/imagenet_val_to_folders.py).
"""

data_root = 'data/imagenet'

data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    # RGB
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)

eval_pipeline = [
    dict(type='LoadImage'),
    dict(type='ResizeEdge', scale=256, edge='short'),
    dict(type='CenterCrop', crop_size=224),
    dict(type='PackClassificationInputs'),
]

loader = dict(
    num_workers=8,
    # Anew each epoch, so that a resumed run draws the augmentations of one that was not interrupted.
    persistent_workers=False,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
)

train_dataloader = dict(
    batch_size=128,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='ImageFolderDataset', data_root=data_root, data_prefix='train'),
    **loader,
)
