"""A generator that learns against discriminators, in the way of PoseAug: camera frames, and no weights."""

generator = dict(
    type='PoseGenerator',
    # Bones turn in the axes of the camera, without anatomical limits.
    codec=dict(type='LocalSphericalCodec', frames='camera'),
    bank=dict(type='SeedPoseBank', num_seeds=100_000),
    posture=dict(type='MLPPosePolicy'),
    size=dict(type='MLPBoneLengthSampler'),
    view=dict(type='MLPViewSampler'),
    propensity=None,
    max_retry=0,
)
discriminator3d = dict(type='PartKCSDiscriminator')
discriminator2d = dict(type='Pose2DDiscriminator')
