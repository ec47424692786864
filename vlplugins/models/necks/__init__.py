"""Necks; importing the package registers them."""

from vlplugins.models.necks.adaptive_hierarchical_graph import (
    LocalInteractionGraph,
    SegmentRelationGraph,
    StatementReasoningGraph,
)
from vlplugins.models.necks.cross_graph_correspondence import VariationalCrossGraphCorrespondence
from vlplugins.models.necks.decomposition_neck import DecompositionNeck
from vlplugins.models.necks.slimmable_mlp import SlimmableMLPNeck
from vlplugins.models.necks.vector_decomposition import DecomposedFeature, VectorDecomposition

__all__ = [
    'DecomposedFeature',
    'DecompositionNeck',
    'LocalInteractionGraph',
    'SegmentRelationGraph',
    'SlimmableMLPNeck',
    'VariationalCrossGraphCorrespondence',
    'StatementReasoningGraph',
    'VectorDecomposition',
]
