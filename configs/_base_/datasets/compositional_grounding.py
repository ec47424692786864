"""Loaders of the released splits of compositional grounding; a set adds its pipelines and its datasets.

There is no validation split: a tenth of the training videos is held out for it; the test splits are looked at once.
"""

loader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
)
train_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(split='train', val_fraction=0.1, subset='train'),
    **loader,
)
val_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='train', val_fraction=0.1, subset='val', test_mode=True),
    **loader,
)
test_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='ConcatDataset'),
    **loader,
)
val_evaluator = dict(type='TemporalGroundingMetric')
test_evaluator = val_evaluator
