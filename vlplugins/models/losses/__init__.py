"""Losses; importing the package registers them."""

from vlplugins.models.losses.distillation import ATKDistill, DKDistill, LogitKLDistill, SimilarityMSE
from vlplugins.models.losses.info_nce import InfoNCELoss, info_nce
from vlplugins.models.losses.slimmable_contrastive import SlimmableContrastiveLoss, reweight_widths

__all__ = [
    'ATKDistill',
    'DKDistill',
    'InfoNCELoss',
    'LogitKLDistill',
    'SimilarityMSE',
    'SlimmableContrastiveLoss',
    'info_nce',
    'reweight_widths',
]
