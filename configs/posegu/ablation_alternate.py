"""Ablation: real and generated batches take turns."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='SeedBankHook'),
    dict(type='GenerationMonitorHook'),
    dict(type='AlternateBatchHook'),
]
