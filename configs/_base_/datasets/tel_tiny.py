"""Clips of lines with six planted emotions, 48 numbers a line in each modality; written to disk on first use."""

_base_ = 'tel_clips.py'

data_root = 'data/synthetic/tel_tiny'
synthetic_data = dict(type='SyntheticEmotionClips', root=data_root)

load_features = [
    dict(type='LoadClipFeatures', modality='video', dim=48, in_memory=True),
    dict(type='LoadClipFeatures', modality='text', dim=48, in_memory=True),
]
train_pipeline = [*load_features, dict(type='RandomLineDropout', p=0.1), dict(type='PackTemporalInputs')]
test_pipeline = [*load_features, dict(type='PackTemporalInputs')]

train_dataloader = dict(batch_size=16, dataset=dict(data_root=data_root, pipeline=train_pipeline))
val_dataloader = dict(batch_size=60, dataset=dict(data_root=data_root, pipeline=test_pipeline))
test_dataloader = val_dataloader
