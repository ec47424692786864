"""Top-level models; importing the package registers them."""

from vlplugins.models.algorithms.adversarial_pose_lifter import AdversarialPoseGULifter
from vlplugins.models.algorithms.feature_extractor import FeatureExtractor
from vlplugins.models.algorithms.fine_grained_vlp import FineGrainedVLPretrainer
from vlplugins.models.algorithms.pose_lifter_generator import PoseGULifter
from vlplugins.models.algorithms.slimmable_classifier import SlimmableClassifier
from vlplugins.models.algorithms.slimmable_moco import SlimmableMoCo
from vlplugins.models.algorithms.slimmable_mocov3 import SlimmableMoCoV3
from vlplugins.models.algorithms.slimmable_simclr import SlimmableSimCLR
from vlplugins.models.algorithms.temporal_grounder import TemporalGrounder
from vlplugins.models.algorithms.text_video_retriever import TextVideoRetriever
from vlplugins.models.algorithms.video_language_inference import VideoLanguageInference
from vlplugins.models.algorithms.violin_base import ViolinBase
from vlplugins.models.algorithms.weakly_supervised_temporal_localizer import WeaklySupervisedTemporalLocalizer
from vlplugins.registry import MODELS

MODELS.register_lazily('vlplugins.models.algorithms.domain_adaptive_detector', 'DomainAdaptiveDetector')
MODELS.register_lazily('vlplugins.models.algorithms.decomposed_neck_detector', 'DecomposedNeckDetector')
MODELS.register_lazily('vlplugins.models.algorithms.unified_tracker', 'UnifiedTracker')

__all__ = [
    'AdversarialPoseGULifter',
    'FeatureExtractor',
    'FineGrainedVLPretrainer',
    'PoseGULifter',
    'SlimmableClassifier',
    'SlimmableMoCo',
    'SlimmableMoCoV3',
    'SlimmableSimCLR',
    'TemporalGrounder',
    'TextVideoRetriever',
    'VideoLanguageInference',
    'ViolinBase',
    'WeaklySupervisedTemporalLocalizer',
]
