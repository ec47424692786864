"""Inferencers, one per task; importing the package registers them."""

from vlplugins.apis.base import BaseInferencer
from vlplugins.apis.domain_adaptive_det_inferencer import DomainAdaptiveDetInferencer
from vlplugins.apis.grounding_inferencer import GroundingInferencer
from vlplugins.apis.pose_lifting_inferencer import PoseLiftingInferencer
from vlplugins.apis.skeleton_action_inferencer import SkeletonActionInferencer
from vlplugins.apis.slimmable_inferencer import SlimmableInferencer
from vlplugins.apis.temporal_emotion_inferencer import TemporalEmotionInferencer
from vlplugins.apis.text_video_retrieval_inferencer import TextVideoRetrievalInferencer
from vlplugins.apis.tracking_inferencer import TrackingInferencer
from vlplugins.apis.video_language_inferencer import VideoLanguageInferencer
from vlplugins.apis.vision_language_inferencer import VisionLanguageInferencer

__all__ = [
    'BaseInferencer',
    'DomainAdaptiveDetInferencer',
    'GroundingInferencer',
    'PoseLiftingInferencer',
    'SkeletonActionInferencer',
    'SlimmableInferencer',
    'TemporalEmotionInferencer',
    'TextVideoRetrievalInferencer',
    'TrackingInferencer',
    'VideoLanguageInferencer',
    'VisionLanguageInferencer',
]
