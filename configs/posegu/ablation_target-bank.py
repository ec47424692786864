"""Ablation: the target is the neighbourhood of ten thousand training poses."""

_base_ = 'posegu_simplebaseline_s1_50e_h36m.py'

model = dict(
    generator=dict(
        propensity=dict(target=dict(_delete_=True, type='BankTarget', bank=dict(type='SeedPoseBank', num_seeds=10_000)))
    )
)
