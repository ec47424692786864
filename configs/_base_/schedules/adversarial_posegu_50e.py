"""As posegu_50e.py, with an optimizer for each of lifter, generator and discriminators."""

_base_ = 'posegu_50e.py'

optim_wrapper = dict(
    constructor='GroupedOptimWrapperConstructor',
    paramwise_cfg=dict(
        groups=dict(
            lifter=['backbone', 'head'],
            generator=['generator'],
            discriminator3d=['discriminator3d'],
            discriminator2d=['discriminator2d'],
        )
    ),
)
custom_hooks = [
    dict(type='EpochSeedHook'),
    dict(type='SeedBankHook'),
    dict(type='GenerationMonitorHook'),
    # Two epochs for the generator alone.
    dict(type='SlowStartHook', start_epoch=2, path='lifter_enabled'),
    dict(type='ScheduledValueHook', path='posture_feedback.hard_ratio', start_value=3.0, end_value=5.0),
]
