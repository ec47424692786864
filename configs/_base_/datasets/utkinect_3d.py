"""UTKinect-Action3D, one take left out: 32 rows at key times, 20 columns, one person.

tools/dataset_converters/utkinect_to_pickle.py makes data/skeleton/utkinect_3d.pkl of the raw files.
"""

ann_file = 'data/skeleton/utkinect_3d.pkl'
layout = 'kinect20'

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
train_pipeline = dict(
    before=dict(),
    clean=dict(type='SanitizeSkeleton', num_person=1),
    normalize=dict(type='BodyFrameNormalize', layout=layout),
    rotate=dict(type='RandomSkeletonRotate', max_rad=0.3),
    scale=dict(type='RandomSkeletonScale', factor=(0.9, 1.1)),
    jitter=dict(type='RandomJointJitter', std=0.005),
    crop=dict(type='RandomTemporalCrop', ratio=(0.7, 1.0)),
    drop=dict(),
    flip=dict(),
    frames=dict(type='KeyFrameEnhance', length=32, strength=0.8, jitter=0.5),
    **enhancements,
)
test_pipeline = dict(
    before=dict(),
    clean=dict(type='SanitizeSkeleton', num_person=1),
    normalize=dict(type='BodyFrameNormalize', layout=layout),
    frames=dict(type='KeyFrameEnhance', length=32, strength=0.8),
    **enhancements,
)
dataset = dict(
    type='SkeletonActionDataset',
    ann_file=ann_file,
    layout=layout,
    classes=(
        'walk', 'sitDown', 'standUp', 'pickUp', 'carry', 'throw', 'push', 'pull', 'waveHands', 'clapHands',
    ),
)  # fmt: skip
loader = dict(batch_size=16, num_workers=2, persistent_workers=False)
train_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=True),
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    dataset=dict(split='loso_00_train', pipeline=train_pipeline, **dataset),
    **loader,
)
val_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='loso_00_val', test_mode=True, pipeline=test_pipeline, **dataset),
    **loader,
)
test_dataloader = val_dataloader

val_evaluator = [dict(type='mmaction.AccMetric'), dict(type='ChallengingActionMetric', groups=dict())]
test_evaluator = val_evaluator
