"""Un-augmented training images as the bank, validation images as the queries, for nearest neighbours and probes."""

_base_ = 'imagenet.py'

test_dataloader = dict(
    batch_size=128,
    num_workers=8,
    pin_memory=True,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='ImageFolderDataset',
                data_root={{_base_.data_root}},
                data_prefix=split,
                extra_info=dict(role=role),
                test_mode=True,
                pipeline={{_base_.eval_pipeline}},
            )
            for split, role in (('train', 'bank'), ('val', 'query'))
        ],
    ),
)
test_evaluator = [dict(type='KNNAccuracy', k=200, temperature=0.1)]
