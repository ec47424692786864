"""Data elements that go from the pipeline through the model to metrics and visualizers."""

from vlplugins.structures.classification_data_sample import ClassificationDataSample
from vlplugins.structures.retrieval_data_sample import RetrievalDataSample

__all__ = ['ClassificationDataSample', 'RetrievalDataSample']
