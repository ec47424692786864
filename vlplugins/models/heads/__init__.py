"""Heads; importing the package registers them."""

from vlplugins.models.heads.domain_classifier import ImageDomainClassifier, PixelDomainClassifier
from vlplugins.models.heads.similarity_head import MeanPoolSimilarityHead
from vlplugins.models.heads.skeleton_fusion_head import SkeletonFusionHead
from vlplugins.models.heads.switchable_linear_head import SwitchableLinearHead

__all__ = [
    'ImageDomainClassifier',
    'MeanPoolSimilarityHead',
    'PixelDomainClassifier',
    'SkeletonFusionHead',
    'SwitchableLinearHead',
]
