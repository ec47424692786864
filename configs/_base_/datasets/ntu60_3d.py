"""NTU RGB+D in the pickle of mmaction2: 64 rows at key times, 25 columns, 15 + 3 + 6 channels, up to two persons.

data/skeleton/ntu60_3d.pkl is mmaction2's, or tools/dataset_converters/ntu_skeleton_to_pickle.py makes it of the raw
files. A step of the pipeline has a name, by which a config that inherits changes it, or drops it with None. Empty
steps are places for more.
"""

ann_file = 'data/skeleton/ntu60_3d.pkl'
layout = 'nturgb+d'

enhancements = dict(
    times=dict(),
    key=dict(type='KeyJointEnhance', layout=layout),
    bone=dict(type='BoneVectorEnhance', layout=layout),
    motion=dict(type='TemporalEnhance', layout=layout, scales=(1, 4)),
    image=dict(type='SkeletonImageEncode', layout=layout, streams=('key', 'bone', 'motion')),
    pack=dict(
        type='mmaction.PackActionInputs', meta_keys=('frame_dir', 'stream_channels', 'key_times', 'frame_energy')
    ),
)
# Augmentation is in body coordinates: before the normalisation it would be taken out again.
train_pipeline = dict(
    before=dict(),
    clean=dict(type='SanitizeSkeleton', num_person=2),
    pad=dict(type='PadPersons', num_person=2),
    normalize=dict(type='BodyFrameNormalize', layout=layout),
    rotate=dict(type='RandomSkeletonRotate', max_rad=0.3),
    scale=dict(type='RandomSkeletonScale', factor=(0.9, 1.1)),
    jitter=dict(type='RandomJointJitter', std=0.005),
    crop=dict(type='RandomTemporalCrop', ratio=(0.7, 1.0)),
    drop=dict(),
    flip=dict(),
    frames=dict(type='KeyFrameEnhance', length=64, strength=0.8, jitter=0.5),
    **enhancements,
)
test_pipeline = dict(
    before=dict(),
    clean=dict(type='SanitizeSkeleton', num_person=2),
    pad=dict(type='PadPersons', num_person=2),
    normalize=dict(type='BodyFrameNormalize', layout=layout),
    frames=dict(type='KeyFrameEnhance', length=64, strength=0.8),
    **enhancements,
)

loader = dict(num_workers=4, persistent_workers=False, worker_init_fn=dict(type='vlplugins.seed_worker'))
# An epoch is five passes, as in mmaction2's recipes.
train_dataloader = dict(
    batch_size=16,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='RepeatDataset',
        times=5,
        dataset=dict(
            type='SkeletonActionDataset',
            ann_file=ann_file,
            split='xsub_train',
            layout=layout,
            num_classes=60,
            pipeline=train_pipeline,
        ),
    ),
    **loader,
)
val_dataloader = dict(
    batch_size=16,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='SkeletonActionDataset',
        ann_file=ann_file,
        split='xsub_val',
        layout=layout,
        num_classes=60,
        test_mode=True,
        pipeline=test_pipeline,
    ),
    **loader,
)
test_dataloader = val_dataloader

val_evaluator = [
    dict(type='mmaction.AccMetric', metric_list=('top_k_accuracy', 'mean_class_accuracy')),
    dict(type='ChallengingActionMetric'),
]
test_evaluator = val_evaluator
