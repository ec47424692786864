"""Losses; importing the package registers them."""

from vlplugins.models.losses.counterfactual_risk_loss import CounterfactualRiskLoss
from vlplugins.models.losses.distillation import ATKDistill, DKDistill, LogitKLDistill, SimilarityMSE
from vlplugins.models.losses.domain_adversarial import DomainFocalLoss, DomainLeastSquaresLoss
from vlplugins.models.losses.grounding_losses import CorrespondenceGuideLoss, DiagonalGaussianKL, ScaledIoUBCELoss
from vlplugins.models.losses.info_nce import InfoNCELoss, info_nce
from vlplugins.models.losses.multi_label import MultiLabelClipLoss, SegmentLabelLoss, rarity_weights
from vlplugins.models.losses.orthogonality import OrthogonalityLoss
from vlplugins.models.losses.pose_generation_losses import AngleRangeLoss, HardnessFeedbackLoss, LSGANLoss
from vlplugins.models.losses.segment_alignment import SegmentAlignmentLoss
from vlplugins.models.losses.semantic_coherence import PairCoherenceLoss, ReplacedSegmentLoss
from vlplugins.models.losses.shapley_losses import (
    SemanticShapleyLoss,
    TokenShapleyLoss,
    UncertaintyRegressionLoss,
    region_targets,
)
from vlplugins.models.losses.slimmable_contrastive import SlimmableContrastiveLoss, reweight_widths
from vlplugins.models.losses.temporal_consensus import ConsensusPseudoLabelLoss, TemporalConsensusLoss
from vlplugins.registry import MODELS

MODELS.register_lazily('vlplugins.models.losses.centreness_score_loss', 'CentrenessScoreLoss')
MODELS.register_lazily('vlplugins.models.losses.region_location_loss', 'RegionLocationLoss')
MODELS.register_lazily('vlplugins.models.losses.track_box_loss', 'TrackBoxLoss')

__all__ = [
    'ATKDistill',
    'AngleRangeLoss',
    'ConsensusPseudoLabelLoss',
    'CorrespondenceGuideLoss',
    'CounterfactualRiskLoss',
    'DKDistill',
    'DiagonalGaussianKL',
    'DomainFocalLoss',
    'DomainLeastSquaresLoss',
    'HardnessFeedbackLoss',
    'InfoNCELoss',
    'LSGANLoss',
    'LogitKLDistill',
    'MultiLabelClipLoss',
    'OrthogonalityLoss',
    'PairCoherenceLoss',
    'ReplacedSegmentLoss',
    'ScaledIoUBCELoss',
    'SegmentAlignmentLoss',
    'SegmentLabelLoss',
    'SemanticShapleyLoss',
    'SimilarityMSE',
    'SlimmableContrastiveLoss',
    'TemporalConsensusLoss',
    'TokenShapleyLoss',
    'UncertaintyRegressionLoss',
    'info_nce',
    'rarity_weights',
    'region_targets',
    'reweight_widths',
]
