"""DCIN on real subtitles and emotions of films, the text alone: nothing is synthetic."""

_base_ = 'dcin_demo_real-subtitles.py'

model = dict(branches=dict(video=None), consensus_loss=None, pseudo_loss=None)
custom_hooks = [dict(type='EpochSeedHook')]
load_text = {{_base_.load_text}}
train_pipeline = [
    load_text,
    dict(type='RandomLineDropout', p=0.1),
    dict(type='TemporalCrop', max_lines=64),
    dict(type='PackTemporalInputs', feature_keys=('text',)),
]
test_pipeline = [load_text, dict(type='PackTemporalInputs', feature_keys=('text',))]
train_dataloader = dict(dataset=dict(modalities=('text',), pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(modalities=('text',), pipeline=test_pipeline))
test_dataloader = val_dataloader
