"""Clips of lines with six planted emotions, 48 numbers a line in each modality; written to disk on first use."""

synthetic_data = dict(type='SyntheticEmotionClips', root='data/synthetic/tel_tiny')

load_features = [
    dict(type='LoadClipFeatures', modality='video', dim=48, in_memory=True),
    dict(type='LoadClipFeatures', modality='text', dim=48, in_memory=True),
]
train_pipeline = [*load_features, dict(type='RandomLineDropout', p=0.1), dict(type='PackTemporalInputs')]
test_pipeline = [*load_features, dict(type='PackTemporalInputs')]

clips = dict(
    type='TELDataset',
    data_root='data/synthetic/tel_tiny',
    data_prefix=dict(video='features/video', text='features/text'),
)
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(ann_file='train.json', pipeline=train_pipeline, **clips),
)
val_dataloader = dict(
    batch_size=60,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(ann_file='test.json', test_mode=True, pipeline=test_pipeline, **clips),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='TemporalEmotionMetric')
test_evaluator = val_evaluator
