"""Ablation: pronouns join no events."""

_base_ = 'ahgn_bert-r101_b64-20e_violin.py'

load = {{_base_.load}}
graph = dict(type='LoadStatementGraph', max_events=6, max_atoms=16, coref=False)
train_pipeline = [
    *load,
    dict(type='SubtitleWordDropout', p=0.1),
    dict(type='AlignSegments', max_segments=24, max_frames=16, max_words=32, jitter=True),
    graph,
    dict(type='PackInferenceInputs'),
]
test_pipeline = [
    *load,
    dict(type='AlignSegments', max_segments=24, max_frames=16, max_words=32),
    graph,
    dict(type='PackInferenceInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
