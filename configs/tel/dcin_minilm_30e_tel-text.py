"""DCIN on TEL by its subtitles alone: no video is needed."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

model = dict(branches=dict(video=None), consensus_loss=None, pseudo_loss=None)
custom_hooks = [dict(type='EpochSeedHook')]
load_text = dict(type='LoadClipFeatures', modality='text', dim=384, rescale='sqrt_dim')
pack = dict(type='PackTemporalInputs', feature_keys=('text',))
train_pipeline = [
    load_text,
    dict(type='RandomLineDropout', p=0.1, min_lines=3),
    dict(type='TemporalCrop', max_lines=64),
    pack,
]
test_pipeline = [load_text, dict(type='CleanSubtitles'), pack]
train_dataloader = dict(dataset=dict(modalities=('text',), pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(modalities=('text',), pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(modalities=('text',), pipeline=test_pipeline))
