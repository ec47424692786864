"""Data elements that go from the pipeline through the model to metrics and visualizers."""

from vlplugins.structures.classification_data_sample import ClassificationDataSample

__all__ = ['ClassificationDataSample']
