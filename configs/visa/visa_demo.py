"""VISA on videos of actions on objects, of which few combinations are seen in training; on a CPU."""

_base_ = [
    '../_base_/datasets/compositional_grounding_tiny.py',
    '../_base_/default_runtime.py',
    '../_base_/models/visa.py',
    '../_base_/schedules/visa_tiny.py',
]

dim, positions = 32, {{_base_.positions}}
word_vectors = {{_base_.word_vectors}}

# Few videos: narrower, and with more dropout than the full setting.
model = dict(
    data_preprocessor=dict(num_positions=positions),
    query_encoder=dict(word_vectors=word_vectors, dim=dim, layers=1, heads=4, dropout=0.4),
    video_encoder=dict(
        in_channels=48,
        dim=dim,
        num_positions=positions,
        num_coarse=positions,
        num_slots=2,
        layers=1,
        heads=4,
        dropout=0.4,
    ),
    neck=dict(dim=dim, match_dim=dim),
    # Correspondences alone decide: the states of whole events learn pairs by heart.
    head=dict(dim=dim, conv_layers=1, event_fusion=False),
)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='kl_weight', start_value=0.0, end_value=1.0, begin=0, end=2, by='epoch'),
]
default_hooks = dict(logger=dict(interval=19), checkpoint=dict(interval=10))
visualizer = dict(type='GroundingVisualizer')
inferencer = dict(type='GroundingInferencer')
