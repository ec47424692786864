"""VISA on Charades-CG, with I3D features of 1024 numbers."""

_base_ = [
    '../_base_/datasets/charades_cg.py',
    '../_base_/default_runtime.py',
    '../_base_/models/visa.py',
    '../_base_/schedules/visa_50e.py',
]

# The divergence grows over the first two epochs: correspondences are learned before they are tied to the prior.
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='ScheduledValueHook', path='kl_weight', start_value=0.0, end_value=1.0, begin=0, end=2, by='epoch'),
]
default_hooks = dict(checkpoint=dict(save_best='val/R1@0.5'))
visualizer = dict(type='GroundingVisualizer')
inferencer = dict(type='GroundingInferencer')
