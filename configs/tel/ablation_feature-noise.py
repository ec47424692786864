"""Variant: a little noise on the features of training clips."""

_base_ = 'dcin_minilm-i3d_30e_tel.py'

pipeline = [
    dict(type='LoadClipFeatures', modality='video', dim=1024),
    dict(type='LoadClipFeatures', modality='text', dim=384, rescale='sqrt_dim'),
    dict(type='RandomLineDropout', p=0.1, min_lines=3),
    dict(type='TemporalCrop', max_lines=64),
    dict(type='AddFeatureNoise', std=0.01),
    dict(type='PackTemporalInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=pipeline))
