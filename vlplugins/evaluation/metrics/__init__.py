"""Metrics; importing the package registers them."""

from vlplugins.evaluation.metrics.challenging_action_metric import ChallengingActionMetric
from vlplugins.evaluation.metrics.coherence_metric import SemanticCoherenceMetric
from vlplugins.evaluation.metrics.feature_metrics import (
    FeatureMetric,
    KNNAccuracy,
    LinearProbeAccuracy,
    RidgeProbeAccuracy,
)
from vlplugins.evaluation.metrics.got10k_metric import GOT10kMetric
from vlplugins.evaluation.metrics.grounding_accuracy import GroundingAccuracy
from vlplugins.evaluation.metrics.image_text_recall import ImageTextRecall
from vlplugins.evaluation.metrics.inference_metric import VideoLanguageInferenceMetric
from vlplugins.evaluation.metrics.pose_lifting_metric import PoseDiversityMetric, PoseLiftingMetric
from vlplugins.evaluation.metrics.sot_metric import SOTMetric
from vlplugins.evaluation.metrics.switchable_accuracy import SwitchableAccuracy
from vlplugins.evaluation.metrics.temporal_emotion_metric import TemporalEmotionMetric
from vlplugins.evaluation.metrics.temporal_grounding_metric import TemporalGroundingMetric
from vlplugins.evaluation.metrics.text_video_retrieval import TextVideoRetrievalMetric
from vlplugins.registry import METRICS

METRICS.register_lazily('vlplugins.evaluation.metrics.long_tail_voc_metric', 'LongTailVOCMetric')
METRICS.register_lazily('vlplugins.evaluation.metrics.mot_metric', 'MOTMetric')

__all__ = [
    'ChallengingActionMetric',
    'FeatureMetric',
    'GOT10kMetric',
    'GroundingAccuracy',
    'ImageTextRecall',
    'KNNAccuracy',
    'LinearProbeAccuracy',
    'PoseDiversityMetric',
    'PoseLiftingMetric',
    'RidgeProbeAccuracy',
    'SOTMetric',
    'SemanticCoherenceMetric',
    'SwitchableAccuracy',
    'TemporalEmotionMetric',
    'TemporalGroundingMetric',
    'TextVideoRetrievalMetric',
    'VideoLanguageInferenceMetric',
]
