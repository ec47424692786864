"""VIOLIN: BERT features of words, ResNet-101 features of frames; see configs/ahgn/README.md for the files."""

data_root = 'data/violin/'

load = [
    dict(type='LoadClipFeatures', modality='video', dim=2048, rescale='l2', max_rows=256),
    dict(type='LoadTextFeatures', dim=768, max_tokens=256, max_statement_tokens=48),
]
train_pipeline = [
    *load,
    dict(type='SubtitleWordDropout', p=0.1),
    dict(type='AlignSegments', max_segments=24, max_frames=16, max_words=32, jitter=True),
    dict(type='LoadStatementGraph', max_events=6, max_atoms=16),
    dict(type='PackInferenceInputs'),
]
test_pipeline = [
    *load,
    dict(type='AlignSegments', max_segments=24, max_frames=16, max_words=32),
    dict(type='LoadStatementGraph', max_events=6, max_atoms=16),
    dict(type='PackInferenceInputs'),
]
clips = dict(
    type='ViolinDataset',
    data_root=data_root,
    data_prefix=dict(video='features/resnet101', text='text/bert'),
    graph_file='statement_graphs.json',
)
train_dataloader = dict(
    batch_size=64,
    num_workers=8,
    # Workers take their seeds anew in each epoch.
    persistent_workers=False,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(split='train', unit='pair', pipeline=train_pipeline, **clips),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    # All six statements of a clip in one item: each is judged alone all the same.
    dataset=dict(split='validate', unit='clip', test_mode=True, pipeline=test_pipeline, **clips),
)
test_dataloader = dict(val_dataloader, dataset=dict(val_dataloader['dataset'], split='test'))
val_evaluator = dict(type='VideoLanguageInferenceMetric')
test_evaluator = val_evaluator
