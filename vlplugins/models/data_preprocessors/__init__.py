"""Data preprocessors; importing the package registers them."""

from vlplugins.models.data_preprocessors.feature_sequence import FeatureSequencePreprocessor
from vlplugins.models.data_preprocessors.grounding import GroundingDataPreprocessor
from vlplugins.models.data_preprocessors.image_text import ImageTextDataPreprocessor
from vlplugins.models.data_preprocessors.inference import InferenceDataPreprocessor
from vlplugins.models.data_preprocessors.pose_lifting import PoseLiftingDataPreprocessor
from vlplugins.models.data_preprocessors.retrieval import RetrievalDataPreprocessor
from vlplugins.models.data_preprocessors.self_supervised import SelfSupDataPreprocessor

__all__ = [
    'FeatureSequencePreprocessor',
    'GroundingDataPreprocessor',
    'ImageTextDataPreprocessor',
    'InferenceDataPreprocessor',
    'PoseLiftingDataPreprocessor',
    'RetrievalDataPreprocessor',
    'SelfSupDataPreprocessor',
]
