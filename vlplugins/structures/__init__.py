"""Data elements that go from the pipeline through the model to metrics and visualizers."""

from vlplugins.structures.classification_data_sample import ClassificationDataSample
from vlplugins.structures.pose_lifting_data_sample import PoseLiftingDataSample
from vlplugins.structures.region_phrase_data_sample import RegionPhraseDataSample
from vlplugins.structures.retrieval_data_sample import RetrievalDataSample
from vlplugins.structures.sentence_graph import SentenceGraph
from vlplugins.structures.skeleton_layout import (
    SkeletonLayout,
    conversion_matrix,
    convert_joints,
    convert_scores,
    get_layout,
)
from vlplugins.structures.statement_graph import StatementGraph
from vlplugins.structures.temporal_data_sample import TemporalDataSample

__all__ = [
    'ClassificationDataSample',
    'PoseLiftingDataSample',
    'RegionPhraseDataSample',
    'RetrievalDataSample',
    'SentenceGraph',
    'SkeletonLayout',
    'StatementGraph',
    'TemporalDataSample',
    'conversion_matrix',
    'convert_joints',
    'convert_scores',
    'get_layout',
]
