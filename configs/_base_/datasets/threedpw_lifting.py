"""The test set of 3DPW.

A config that is trained on another set takes ``threedpw`` as its ``test_dataloader``.
"""

threedpw = dict(
    batch_size=1024,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        _delete_=True,
        type='ThreeDPWLiftingDataset',
        ann_file='data/3dpw/sequenceFiles/test',
        test_mode=True,
        pipeline=[dict(type='ScreenNormalize'), dict(type='PackLiftingInputs')],
    ),
)
