"""VISA on real queries and splits of Charades-CG, with synthetic features of the videos; on a CPU."""

_base_ = [
    '../_base_/datasets/charades_cg_real_queries.py',
    '../_base_/default_runtime.py',
    '../_base_/models/visa.py',
    '../_base_/schedules/visa_tiny.py',
]

dim, positions = 32, {{_base_.positions}}
word_vectors = {{_base_.word_vectors}}

model = dict(
    data_preprocessor=dict(num_positions=positions),
    query_encoder=dict(word_vectors=word_vectors, dim=dim, layers=1, heads=4),
    video_encoder=dict(in_channels=48, dim=dim, num_positions=positions, num_coarse=16, num_slots=2, layers=1, heads=4),
    neck=dict(dim=dim, match_dim=dim),
    head=dict(dim=dim, conv_layers=1, event_fusion=False),
)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='kl_weight', start_value=0.0, end_value=1.0, begin=0, end=2, by='epoch'),
]
default_hooks = dict(logger=dict(interval=19), checkpoint=dict(interval=10))
visualizer = dict(type='GroundingVisualizer')
inferencer = dict(type='GroundingInferencer')
