"""Clips of people who act and speak, with pairs of statements; written to disk on first use."""

synthetic_data = dict(type='SyntheticViolin', root='data/synthetic/violin_tiny')

load = [
    dict(type='LoadClipFeatures', modality='video', dim=32),
    dict(type='LoadTextFeatures', dim=32),
]
finish = [
    dict(type='AlignSegments', max_segments=8, max_frames=4, max_words=8),
    dict(type='LoadStatementGraph'),
    dict(type='PackInferenceInputs'),
]
# 1,500 clips whose features fit into memory, and nothing of which is drawn at random.
train_pipeline = [dict(type='KeepInMemory', transforms=[*load, *finish])]
test_pipeline = [*load, *finish]

clips = dict(
    type='ViolinDataset',
    data_root='data/synthetic/violin_tiny',
    data_prefix=dict(video='features', text='text'),
    graph_file='statement_graphs.json',
    type_file='statement_types.json',
    types=('say', 'and', 'order', 'act', 'next', 'name'),
    evidence_file='evidence.json',
    # A clip with its three pairs: its frames and words are loaded and encoded once.
    unit='clip',
)
train_dataloader = dict(
    batch_size=16,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(split='train', pipeline=train_pipeline, **clips),
)
val_dataloader = dict(
    batch_size=52,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(split='test', test_mode=True, pipeline=test_pipeline, **clips),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type='VideoLanguageInferenceMetric', groups=('type',)),
    dict(type='SemanticCoherenceMetric', pool=16),
]
test_evaluator = val_evaluator
