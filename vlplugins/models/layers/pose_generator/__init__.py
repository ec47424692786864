"""A generator of human poses with known densities; importing the package registers its parts."""

from vlplugins.models.layers.pose_generator.camera import normalise_screen, project_to_2d
from vlplugins.models.layers.pose_generator.codec import EncodedPose, LocalSphericalCodec
from vlplugins.models.layers.pose_generator.generator import GeneratedPoses, PoseGenerator
from vlplugins.models.layers.pose_generator.policies import FixedGaussianPolicy, MLPPosePolicy, UniformPolicy
from vlplugins.models.layers.pose_generator.seed_bank import SeedPoseBank
from vlplugins.models.layers.pose_generator.size_view import (
    BoneLengthSampler,
    BoneLengthSwap,
    MLPBoneLengthSampler,
    MLPViewSampler,
    ViewSampler,
)
from vlplugins.models.layers.pose_generator.weighting import BankTarget, PosePropensity, UniformTarget

__all__ = [
    'BankTarget',
    'BoneLengthSampler',
    'BoneLengthSwap',
    'EncodedPose',
    'FixedGaussianPolicy',
    'GeneratedPoses',
    'LocalSphericalCodec',
    'MLPBoneLengthSampler',
    'MLPPosePolicy',
    'MLPViewSampler',
    'PoseGenerator',
    'PosePropensity',
    'SeedPoseBank',
    'UniformPolicy',
    'UniformTarget',
    'ViewSampler',
    'normalise_screen',
    'project_to_2d',
]
