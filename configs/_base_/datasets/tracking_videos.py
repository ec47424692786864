"""Patches that jump, in the layout of LaSOT, and figures that pass each other, in that of MOT17; written on first use.

Validation follows single objects; a test follows figures, whose detections are given.
"""

data_root = 'data/synthetic/tracking_videos/'
synthetic_data = dict(type='SyntheticTrackingVideos', root=data_root)

sot_pipeline = [
    dict(type='SampleClipFrames', num_frames=2, max_gap=12),
    dict(type='LoadFrames', cache_size=2000),
    dict(type='TransformBroadcaster', transforms=[dict(type='RandomFlip', prob=0.5)]),
    dict(type='JitteredCrop', size=64, factor=6.0, center_jitter=5.5, scale_jitter=0.5, stride=8),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='RandomGrayscale', prob=0.05, keep_channels=True),
            dict(type='mmdet.Brightness', prob=1.0, min_mag=0.8, max_mag=1.2),
        ],
    ),
    dict(type='PackSOTInputs'),
]
mot_pipeline = [
    dict(type='SampleClipFrames', num_frames=2, max_gap=2),
    dict(type='LoadFrames', cache_size=2000),
    dict(type='TransformBroadcaster', share_random_params=True, transforms=[dict(type='mmdet.RandomFlip', prob=0.5)]),
    dict(type='PackMOTPairInputs'),
]

train_dataloader = dict(
    sot=dict(
        batch_size=16,
        num_workers=0,
        worker_init_fn=dict(type='vlplugins.seed_worker'),
        collate_fn=dict(type='pseudo_collate'),
        sampler=dict(type='RatioSequenceSampler', samples_per_epoch=640),
        dataset=dict(
            type='LaSOTDataset',
            data_root=data_root + 'LaSOT',
            ann_file='training_set.txt',
            min_length=12,
            pipeline=sot_pipeline,
        ),
    ),
    mot=dict(
        batch_size=4,
        num_workers=0,
        worker_init_fn=dict(type='vlplugins.seed_worker'),
        collate_fn=dict(type='pseudo_collate'),
        sampler=dict(type='RatioSequenceSampler', samples_per_epoch=160),
        dataset=dict(
            type='MOTPairDataset',
            data_root=data_root + 'MOT17',
            ann_file='annotations/train_cocoformat.json',
            data_prefix=dict(img_path='train'),
            pipeline=mot_pipeline,
        ),
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='mmdet.TrackImgSampler'),
    dataset=dict(
        type='LaSOTDataset',
        data_root=data_root + 'LaSOT',
        ann_file='testing_set.txt',
        other_boxes='distractor_*.txt',
        test_mode=True,
        pipeline=[dict(type='LoadFrames', cache_size=2000), dict(type='PackSOTInputs')],
    ),
)
val_evaluator = dict(type='SOTMetric', with_frozen=True, prefix='sot')
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='mmdet.TrackImgSampler'),
    dataset=dict(
        type='mmdet.MOTChallengeDataset',
        data_root=data_root + 'MOT17',
        ann_file='annotations/test_cocoformat.json',
        data_prefix=dict(img_path='test'),
        test_mode=True,
        pipeline=[
            dict(type='LoadFrames', cache_size=2000),
            dict(type='TransformBroadcaster', transforms=[dict(type='mmdet.LoadTrackAnnotations')]),
            dict(type='LoadPublicDetections'),
            dict(type='PackMOTInputs'),
        ],
    ),
)
test_evaluator = dict(type='MOTMetric', prefix='mot')
