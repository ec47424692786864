"""Real subtitles, times and emotions of 13 films (9 train, 4 test), MiniLM text features, synthetic video features.

Needs the released annotations; written to disk on first use, when some 12,000 sentences are encoded.
"""

_base_ = 'tel_clips.py'

data_root = 'data/synthetic/tel_real_subtitles'
synthetic_data = dict(type='RealSubtitleClips', root=data_root, ann_file='../shared/data/TEL/test.json')

load_video = dict(type='LoadClipFeatures', modality='video', dim=64, in_memory=True)
load_text = dict(type='LoadClipFeatures', modality='text', dim=384, rescale='sqrt_dim', in_memory=True)
augment = [dict(type='RandomLineDropout', p=0.1), dict(type='TemporalCrop', max_lines=64)]
train_pipeline = [load_video, load_text, *augment, dict(type='PackTemporalInputs')]
test_pipeline = [load_video, load_text, dict(type='PackTemporalInputs')]

train_dataloader = dict(batch_size=32, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=48, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(chance_seeds=1)
test_evaluator = val_evaluator
