"""Pairs of frames with several persons from MOT17 and CrowdHuman, each as often; tests frame by frame.

As TransTrack (and UTT, section 4.1) augments them: what is drawn for one frame of a pair holds for the other.
"""

_base_ = ['mot17_pair.py', 'crowdhuman_pair.py']

mot_scales = [(short, 1333) for short in range(480, 801, 32)]
mot_resize = dict(
    type='RandomChoiceResize',
    resize_type='mmdet.Resize',
    scales=mot_scales,
    keep_ratio=True,
    clip_object_border=False,
)
mot_enlarge = dict(mot_resize, scales=[(800, 10000), (1000, 10000), (1200, 10000)])
mot_crop = dict(
    type='mmdet.RandomCrop',
    crop_type='absolute_range',
    crop_size=(800, 1200),
    allow_negative_crop=True,
    bbox_clip_border=False,
)
mot_pipeline = [
    dict(type='SampleClipFrames', num_frames=2, max_gap=200),
    dict(type='LoadFrames'),
    dict(type='TransformBroadcaster', share_random_params=True, transforms=[dict(type='mmdet.RandomFlip', prob=0.5)]),
    dict(
        type='RandomChoice',
        transforms=[
            [dict(type='TransformBroadcaster', share_random_params=True, transforms=[mot_resize])],
            [
                dict(
                    type='TransformBroadcaster',
                    share_random_params=True,
                    transforms=[mot_enlarge, mot_crop, mot_resize],
                )
            ],
        ],
    ),
    dict(type='PackMOTPairInputs'),
]
mot_test_pipeline = [
    dict(type='LoadFrames'),
    dict(
        type='TransformBroadcaster',
        transforms=[
            dict(type='mmdet.LoadTrackAnnotations'),
            dict(type='mmdet.Resize', scale=(1440, 800), keep_ratio=True, clip_object_border=False),
        ],
    ),
    dict(type='PackMOTInputs'),
]
# With detections that are given: those of the benchmark, or of another detector in the same format.
mot_public_pipeline = [*mot_test_pipeline[:-1], dict(type='LoadPublicDetections'), dict(type='PackMOTInputs')]

mot_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='RatioSequenceSampler', ratios=(1, 1), samples_per_epoch=16000),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(_base_.mot17_train, pipeline=mot_pipeline),
            dict(_base_.crowdhuman_train, pipeline=mot_pipeline),
        ],
    ),
)
mot_test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    collate_fn=dict(type='pseudo_collate'),
    sampler=dict(type='mmdet.TrackImgSampler'),
    dataset=dict(_base_.mot17_half_val, pipeline=mot_test_pipeline),
)
