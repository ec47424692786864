"""Building blocks of models; importing the package registers them."""

from vlplugins.models.layers.box_crops import BoxCrops
from vlplugins.models.layers.concept_slots import ConceptSlots
from vlplugins.models.layers.context_reasoning import ContextReasoningIntegration
from vlplugins.models.layers.correlation_attention import CorrelationLayer
from vlplugins.models.layers.dilated_context import DilatedContextStream
from vlplugins.models.layers.gradient_reversal import GradientReversal, reverse_gradient
from vlplugins.models.layers.graph_context import GraphContextStream
from vlplugins.models.layers.hybrid_shapley import HybridShapley
from vlplugins.models.layers.joint_time_attention import JointTimeAttention
from vlplugins.models.layers.mil_pooling import (
    MaskedAttentionPooling,
    MaskedMaxPooling,
    MaskedMeanPooling,
    TopKPooling,
)
from vlplugins.models.layers.neural_shapley import SemanticUNSIL, TokenUNSIL
from vlplugins.models.layers.pose_discriminators import PartKCSDiscriminator, Pose2DDiscriminator
from vlplugins.models.layers.pose_generator import (
    BankTarget,
    BoneLengthSampler,
    BoneLengthSwap,
    FixedGaussianPolicy,
    LocalSphericalCodec,
    MLPBoneLengthSampler,
    MLPPosePolicy,
    MLPViewSampler,
    PoseGenerator,
    PosePropensity,
    SeedPoseBank,
    UniformPolicy,
    UniformTarget,
    ViewSampler,
)
from vlplugins.models.layers.relational_graph import RelationalGraphLayer
from vlplugins.models.layers.slimmable import SlimmableBatchNorm, SlimmableConv2d, SlimmableLinear
from vlplugins.models.layers.switchable import SwitchableBatchNorm1d, SwitchableBatchNorm2d, SwitchableLinear
from vlplugins.models.layers.sync_batch_norm import SyncBatchNorm
from vlplugins.models.layers.token_clustering import TokenClustering
from vlplugins.models.layers.token_reduction import (
    TemporalShift,
    TokenPooling,
    TokenReducer,
    TokenShift,
    TokenSparseSampling,
)
from vlplugins.models.layers.widths import set_width, use_width, widths_of
from vlplugins.utils.widths import check_widths

__all__ = [
    'BankTarget',
    'BoneLengthSampler',
    'BoneLengthSwap',
    'BoxCrops',
    'ConceptSlots',
    'ContextReasoningIntegration',
    'CorrelationLayer',
    'DilatedContextStream',
    'FixedGaussianPolicy',
    'GradientReversal',
    'GraphContextStream',
    'HybridShapley',
    'JointTimeAttention',
    'LocalSphericalCodec',
    'MLPBoneLengthSampler',
    'MLPPosePolicy',
    'MLPViewSampler',
    'MaskedAttentionPooling',
    'MaskedMaxPooling',
    'MaskedMeanPooling',
    'PartKCSDiscriminator',
    'Pose2DDiscriminator',
    'PoseGenerator',
    'PosePropensity',
    'RelationalGraphLayer',
    'SeedPoseBank',
    'SemanticUNSIL',
    'SlimmableBatchNorm',
    'SlimmableConv2d',
    'SlimmableLinear',
    'SwitchableBatchNorm1d',
    'SwitchableBatchNorm2d',
    'SwitchableLinear',
    'SyncBatchNorm',
    'TemporalShift',
    'TokenClustering',
    'TokenPooling',
    'TokenReducer',
    'TokenShift',
    'TokenSparseSampling',
    'TokenUNSIL',
    'TopKPooling',
    'UniformPolicy',
    'UniformTarget',
    'ViewSampler',
    'check_widths',
    'reverse_gradient',
    'set_width',
    'use_width',
    'widths_of',
]
