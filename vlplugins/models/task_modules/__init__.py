"""Task_modules of models; importing the package registers them."""

from vlplugins.models.task_modules.alignment_game import AlignmentValue, ClosedFormSemantic
from vlplugins.models.task_modules.game_values import CosineValue, MatchedProbValue, ReencodeValue
from vlplugins.models.task_modules.kmedoids import KMedoids
from vlplugins.models.task_modules.multi_threshold_proposals import MultiThresholdProposalGenerator
from vlplugins.models.task_modules.shapley import ExactShapley, SampledShapley
from vlplugins.models.task_modules.single_object_search import SingleObjectSearch
from vlplugins.models.task_modules.spectral import SpectralClustering
from vlplugins.registry import TASK_UTILS

TASK_UTILS.register_lazily('vlplugins.models.task_modules.associators', 'ByteAssociator', 'GIoUAssociator')
TASK_UTILS.register_lazily('vlplugins.models.task_modules.explicit_anchors', 'ExplicitAnchorGenerator')
TASK_UTILS.register_lazily('vlplugins.models.task_modules.noisy_boxes', 'NoisyBoxGenerator')

__all__ = [
    'AlignmentValue',
    'ClosedFormSemantic',
    'CosineValue',
    'ExactShapley',
    'KMedoids',
    'MatchedProbValue',
    'MultiThresholdProposalGenerator',
    'ReencodeValue',
    'SampledShapley',
    'SingleObjectSearch',
    'SpectralClustering',
]
