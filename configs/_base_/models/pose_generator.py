"""The pose generator of PoseGU and its counterfactual risk; distributions and limits are inferred."""

generator = dict(
    type='PoseGenerator',
    codec=dict(type='LocalSphericalCodec'),
    bank=dict(type='SeedPoseBank', num_seeds=1000),
    posture=dict(type='FixedGaussianPolicy', sigma_deg=20.0, sigma_elev_deg=20.0),
    size=dict(type='BoneLengthSampler', limit=0.2, std=0.1),
    view=dict(type='ViewSampler', depth=(3.0, 7.0), pitch_std_deg=15.0, roll_std_deg=5.0),
    propensity=dict(type='PosePropensity', mode='per_bone', target=dict(type='UniformTarget')),
)
crm_loss = dict(type='CounterfactualRiskLoss', estimator='snips', clip=10.0, var_weight=0.1)
