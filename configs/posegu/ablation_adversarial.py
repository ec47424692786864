"""Ablation: the posture policy learns against discriminators; its poses are weighed by its density."""

_base_ = 'poseaug-like_simplebaseline_50e_h36m.py'

model = dict(
    generator=dict(
        codec=dict(frames='local'),
        bank=dict(num_seeds=1000),
        propensity=dict(_delete_=True, type='PosePropensity', mode='per_bone'),
        max_retry=5,
    ),
    crm_loss=dict(type='CounterfactualRiskLoss', estimator='snips', clip=10.0, var_weight=0.1),
)
train_dataloader = dict(dataset=dict(subjects=['S1']))
