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
