"""Visualizers that draw what a person wants to see of a result; importing the package registers them."""

from vlplugins.visualization.base import TaskVisualizer
from vlplugins.visualization.classification_visualizer import ClassificationVisualizer
from vlplugins.visualization.token_cluster_visualizer import TokenClusterVisualizer

__all__ = ['ClassificationVisualizer', 'TaskVisualizer', 'TokenClusterVisualizer']
