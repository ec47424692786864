"""Temporal Emotion Localization: the released annotations, MiniLM features of the text, I3D features of the video.

Four films of the training set choose the epoch, by the labels of their clips; the test set is looked at once.
"""

data_root = 'data/tel'
held_out = ('tt0100405', 'tt0147800', 'tt0416320', 'tt1568346')

load_features = [
    dict(type='LoadClipFeatures', modality='video', dim=1024),
    dict(type='LoadClipFeatures', modality='text', dim=384, rescale='sqrt_dim'),
]
train_pipeline = [
    *load_features,
    dict(type='RandomLineDropout', p=0.1, min_lines=3),
    dict(type='TemporalCrop', max_lines=64),
    dict(type='PackTemporalInputs'),
]
test_pipeline = [*load_features, dict(type='CleanSubtitles'), dict(type='PackTemporalInputs')]

clips = dict(
    type='TELDataset',
    data_root=data_root,
    data_prefix=dict(video='features/i3d', text='features/minilm'),
)
loader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
)
train_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(ann_file='train.json', exclude_movies=held_out, pipeline=train_pipeline, **clips),
    **loader,
)
val_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        ann_file='train.json',
        movies=held_out,
        test_mode=True,
        require_segments=False,
        pipeline=test_pipeline,
        **clips,
    ),
    **loader,
)
test_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(ann_file='test.json', test_mode=True, pipeline=test_pipeline, **clips),
    **loader,
)
val_evaluator = dict(type='TemporalEmotionMetric', parts=('clips',))
test_evaluator = dict(type='TemporalEmotionMetric')
