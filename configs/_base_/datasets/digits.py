"""Handwritten digits, 8 x 8 pixels, grey: two augmented views to train on, un-augmented features to evaluate.

Digits are not flipped and rotated only a little (6 and 9). The set is written to disk on first use.
"""

synthetic_data = dict(type='SyntheticDigits', root='data/synthetic/digits')
data_root = 'data/synthetic/digits'

# Mean and deviation of the training set, 0.3 and 0.38 of the range of 8 bits.
data_preprocessor = dict(type='SelfSupDataPreprocessor', mean=[76.5], std=[96.9])

view_pipeline = [
    dict(type='RandomAffine', scale=(0.8, 1.25), rotation=0.35, shear=0.25, shift=0.1, fill=0),
    dict(type='RandomBrightness', factor=(0.6, 1.4)),
    # 0.15 in normalised units
    dict(type='AddGaussianNoise', std=14.5),
]
train_pipeline = [
    dict(type='LoadImage', color_type='grayscale'),
    dict(type='MultiView', num_views=2, transforms=view_pipeline),
    dict(type='PackSelfSupInputs'),
]
eval_pipeline = [dict(type='LoadImage', color_type='grayscale'), dict(type='PackClassificationInputs')]

train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ImageFolderDataset',
        data_root=data_root,
        data_prefix='train',
        with_label=False,
        pipeline=train_pipeline,
    ),
)

# Features of the training set (the bank) judge those of the validation set (the queries).
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='ImageFolderDataset',
                data_root=data_root,
                data_prefix=split,
                extra_info=dict(role=role),
                test_mode=True,
                pipeline=eval_pipeline,
            )
            for split, role in (('train', 'bank'), ('val', 'query'))
        ],
    ),
)
test_dataloader = val_dataloader

val_evaluator = [
    # Two labels per class: with all labels a random network already reaches over 90 %.
    dict(type='LinearProbeAccuracy', labels_per_class=2, draws=5, prefix='probe20'),
    dict(type='LinearProbeAccuracy', prefix='probe'),
    dict(type='KNNAccuracy', k=5, prefix='knn'),
]
test_evaluator = val_evaluator
