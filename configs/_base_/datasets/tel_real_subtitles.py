"""Real subtitles, times and emotions of 13 films (9 train, 4 test), MiniLM text features, synthetic video features.

Needs the released annotations; written to disk on first use, when some 12,000 sentences are encoded.
"""

synthetic_data = dict(
    type='RealSubtitleClips', root='data/synthetic/tel_real_subtitles', ann_file='../shared/data/TEL/test.json'
)

load_video = dict(type='LoadClipFeatures', modality='video', dim=64, in_memory=True)
load_text = dict(type='LoadClipFeatures', modality='text', dim=384, rescale='sqrt_dim', in_memory=True)
augment = [dict(type='RandomLineDropout', p=0.1), dict(type='TemporalCrop', max_lines=64)]

clips = dict(
    type='TELDataset',
    data_root='data/synthetic/tel_real_subtitles',
    data_prefix=dict(video='features/video', text='features/text'),
)
train_dataloader = dict(
    batch_size=32,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        ann_file='train.json', pipeline=[load_video, load_text, *augment, dict(type='PackTemporalInputs')], **clips
    ),
)
val_dataloader = dict(
    batch_size=48,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        ann_file='test.json', test_mode=True, pipeline=[load_video, load_text, dict(type='PackTemporalInputs')], **clips
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='TemporalEmotionMetric', chance_seeds=1)
test_evaluator = val_evaluator
