"""Labelled images for a linear probe or fine-tuning, and the validation set with top-1 and top-5 accuracy."""

_base_ = 'imagenet.py'

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type='LoadImage'),
            dict(type='RandomResizedCrop', size=224, scale=(0.08, 1.0)),
            dict(type='RandomFlip', prob=0.5),
            dict(type='PackClassificationInputs'),
        ]
    )
)
val_dataloader = dict(
    batch_size=128,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ImageFolderDataset',
        data_root={{_base_.data_root}},
        data_prefix='val',
        test_mode=True,
        pipeline={{_base_.eval_pipeline}},
    ),
    num_workers=8,
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='SwitchableAccuracy', topk=(1, 5))
test_evaluator = val_evaluator
