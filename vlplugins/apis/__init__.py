"""Inferencers, one per task; importing the package registers them."""

from vlplugins.apis.base import BaseInferencer
from vlplugins.apis.slimmable_inferencer import SlimmableInferencer
from vlplugins.apis.text_video_retrieval_inferencer import TextVideoRetrievalInferencer

__all__ = ['BaseInferencer', 'SlimmableInferencer', 'TextVideoRetrievalInferencer']
