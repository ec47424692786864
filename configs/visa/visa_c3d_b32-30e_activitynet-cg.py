"""VISA on ActivityNet-CG, with C3D features of 500 numbers; videos and sentences are longer than those of Charades."""

_base_ = [
    '../_base_/datasets/activitynet_cg.py',
    '../_base_/default_runtime.py',
    '../_base_/models/visa.py',
    '../_base_/schedules/visa_50e.py',
]

max_epochs = 30

model = dict(
    data_preprocessor=dict(num_positions=128),
    query_encoder=dict(word_vectors={{_base_.word_vectors}}),
    video_encoder=dict(in_channels=500, num_positions=128, num_coarse=32),
)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type='CosineAnnealingLR', by_epoch=True, T_max=max_epochs, eta_min=1e-6, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=max_epochs)
# The divergence grows over the first two epochs: correspondences are learned before they are tied to the prior.
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='kl_weight', start_value=0.0, end_value=1.0, begin=0, end=2, by='epoch'),
]
default_hooks = dict(checkpoint=dict(save_best='val/R1@0.5'))
visualizer = dict(type='GroundingVisualizer')
inferencer = dict(type='GroundingInferencer')
