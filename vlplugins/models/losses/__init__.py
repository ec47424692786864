"""Losses; importing the package registers them."""

from vlplugins.models.losses.distillation import ATKDistill, DKDistill, LogitKLDistill, SimilarityMSE
from vlplugins.models.losses.domain_adversarial import DomainFocalLoss, DomainLeastSquaresLoss
from vlplugins.models.losses.info_nce import InfoNCELoss, info_nce
from vlplugins.models.losses.orthogonality import OrthogonalityLoss
from vlplugins.models.losses.slimmable_contrastive import SlimmableContrastiveLoss, reweight_widths

__all__ = [
    'ATKDistill',
    'DKDistill',
    'DomainFocalLoss',
    'DomainLeastSquaresLoss',
    'InfoNCELoss',
    'LogitKLDistill',
    'OrthogonalityLoss',
    'SimilarityMSE',
    'SlimmableContrastiveLoss',
    'info_nce',
    'reweight_widths',
]
