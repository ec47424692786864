"""Charades-CG: the released splits, I3D features, 64 positions a video, words with their GloVe vectors.

There is no validation split: a tenth of the training videos is held out for it; the test splits are looked at once.
"""

data_root = 'data/charades_cg'
word_vectors = 'data/charades_cg/words.npz'
positions = 64
size = dict(max_tokens=16, max_actions=4, max_atoms=8)
words = dict(type='WordTokenizer', vocabulary=word_vectors)

load_video = dict(type='LoadClipFeatures', modality='video', dim=1024)
train_pipeline = [
    load_video,
    dict(type='ResampleFeatures', num_positions=positions, jitter=True),
    dict(type='LoadQueryGraph', **size),
    dict(type='TokenizeQuery', tokenizer=words, word_dropout=0.1),
    dict(type='PackGroundingInputs'),
]
test_pipeline = [
    load_video,
    dict(type='ResampleFeatures', num_positions=positions),
    dict(type='LoadQueryGraph', **size),
    dict(type='TokenizeQuery', tokenizer=words),
    dict(type='PackGroundingInputs'),
]

queries = dict(type='CharadesCG', data_root=data_root, data_prefix=dict(video='features/i3d'))
loader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    worker_init_fn=dict(type='vlplugins.seed_worker'),
    collate_fn=dict(type='pseudo_collate'),
)
train_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(split='train', val_fraction=0.1, subset='train', pipeline=train_pipeline, **queries),
    **loader,
)
val_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(split='train', val_fraction=0.1, subset='val', test_mode=True, pipeline=test_pipeline, **queries),
    **loader,
)
test_dataloader = dict(
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(split='test_trivial', test_mode=True, pipeline=test_pipeline, **queries),
            dict(split='novel_composition', test_mode=True, pipeline=test_pipeline, **queries),
            dict(split='novel_word', test_mode=True, pipeline=test_pipeline, **queries),
        ],
    ),
    **loader,
)
val_evaluator = dict(type='TemporalGroundingMetric')
test_evaluator = val_evaluator
