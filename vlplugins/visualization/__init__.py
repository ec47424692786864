"""Visualizers that draw what a person wants to see of a result; importing the package registers them."""

from vlplugins.registry import VISUALIZERS
from vlplugins.visualization.base import TaskVisualizer
from vlplugins.visualization.classification_visualizer import ClassificationVisualizer
from vlplugins.visualization.evidence_visualizer import EvidenceVisualizer
from vlplugins.visualization.grounding_visualizer import GroundingVisualizer
from vlplugins.visualization.pose_lifting_visualizer import PoseLiftingVisualizer
from vlplugins.visualization.region_phrase_visualizer import RegionPhraseVisualizer
from vlplugins.visualization.skeleton_action_visualizer import SkeletonActionVisualizer
from vlplugins.visualization.timeline_visualizer import TimelineVisualizer
from vlplugins.visualization.token_cluster_visualizer import TokenClusterVisualizer
from vlplugins.visualization.tracking_visualizer import TrackingVisualizer

VISUALIZERS.register_lazily('vlplugins.visualization.decomposition_visualizer', 'DecompositionVisualizer')

__all__ = [
    'ClassificationVisualizer',
    'EvidenceVisualizer',
    'GroundingVisualizer',
    'PoseLiftingVisualizer',
    'RegionPhraseVisualizer',
    'SkeletonActionVisualizer',
    'TaskVisualizer',
    'TimelineVisualizer',
    'TokenClusterVisualizer',
    'TrackingVisualizer',
]
