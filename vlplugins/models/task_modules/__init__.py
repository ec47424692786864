"""Task_modules of models; importing the package registers them."""

from vlplugins.models.task_modules.kmedoids import KMedoids
from vlplugins.models.task_modules.multi_threshold_proposals import MultiThresholdProposalGenerator
from vlplugins.models.task_modules.spectral import SpectralClustering
from vlplugins.registry import TASK_UTILS

TASK_UTILS.register_lazily('vlplugins.models.task_modules.explicit_anchors', 'ExplicitAnchorGenerator')
TASK_UTILS.register_lazily('vlplugins.models.task_modules.noisy_boxes', 'NoisyBoxGenerator')

__all__ = ['KMedoids', 'MultiThresholdProposalGenerator', 'SpectralClustering']
