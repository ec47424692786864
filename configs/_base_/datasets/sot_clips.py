"""Clips of single objects from LaSOT, GOT-10k, TrackingNet and COCO, each as often; tests frame by frame.

The paper trains on two frames, fewer than 200 apart (section 4.1 of UTT); crops and jitter are those of the release.
"""

_base_ = ['lasot.py', 'got10k.py', 'trackingnet.py', 'coco_pair.py']

sot_pipeline = [
    dict(type='SampleClipFrames', num_frames=2, max_gap=200),
    dict(type='LoadFrames'),
    dict(type='TransformBroadcaster', transforms=[dict(type='RandomFlip', prob=0.5)]),
    dict(type='JitteredCrop', size=352, factor=6.0, center_jitter=5.5, scale_jitter=0.5, stride=16),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='RandomGrayscale', prob=0.05, keep_channels=True),
            dict(type='mmdet.Brightness', prob=1.0, min_mag=0.8, max_mag=1.2),
        ],
    ),
    dict(type='PackSOTInputs'),
]
sot_test_pipeline = [dict(type='LoadFrames'), dict(type='PackSOTInputs')]

sot_dataloader = dict(
    batch_size=8,
    num_workers=8,
    persistent_workers=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='RatioSequenceSampler', ratios=(1, 1, 1, 1), samples_per_epoch=64000),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(_base_.coco_train, pipeline=sot_pipeline),
            dict(_base_.lasot_train, pipeline=sot_pipeline),
            dict(_base_.trackingnet_train, pipeline=sot_pipeline),
            dict(_base_.got10k_train, pipeline=sot_pipeline),
        ],
    ),
)
sot_test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    collate_fn=dict(type='pseudo_collate'),
    # In the order of the videos: a tracker has a state.
    sampler=dict(type='mmdet.TrackImgSampler'),
    dataset=dict(_base_.lasot_test, pipeline=sot_test_pipeline),
)
