"""Heads; importing the package registers them."""

from vlplugins.models.heads.corner_proposal_decoder import CornerProposalDecoder
from vlplugins.models.heads.decomposition_alignment import DecompositionAlignment
from vlplugins.models.heads.domain_classifier import ImageDomainClassifier, PixelDomainClassifier
from vlplugins.models.heads.emotion_activation_head import EmotionActivationHead
from vlplugins.models.heads.entailment_head import EntailmentHead
from vlplugins.models.heads.pose_lift_head import PoseLiftHead
from vlplugins.models.heads.proposal_map_head import ProposalMapHead
from vlplugins.models.heads.region_phrase_aligner import RegionPhraseAligner
from vlplugins.models.heads.similarity_head import MeanPoolSimilarityHead
from vlplugins.models.heads.skeleton_fusion_head import SkeletonFusionHead
from vlplugins.models.heads.switchable_linear_head import SwitchableLinearHead
from vlplugins.models.heads.target_decoder import RoITargetEncoder, TargetDecoder
from vlplugins.models.heads.target_transformer import TargetTransformer
from vlplugins.registry import MODELS

MODELS.register_lazily('vlplugins.models.heads.context_bbox_head', 'ContextBBoxHead')
MODELS.register_lazily('vlplugins.models.heads.decomposed_roi_head', 'DecomposedRoIHead')
MODELS.register_lazily('vlplugins.models.heads.semantic_region_head', 'SemanticRegionHead')

__all__ = [
    'CornerProposalDecoder',
    'DecompositionAlignment',
    'EmotionActivationHead',
    'EntailmentHead',
    'ImageDomainClassifier',
    'MeanPoolSimilarityHead',
    'PixelDomainClassifier',
    'PoseLiftHead',
    'ProposalMapHead',
    'RoITargetEncoder',
    'RegionPhraseAligner',
    'SkeletonFusionHead',
    'SwitchableLinearHead',
    'TargetDecoder',
    'TargetTransformer',
]
