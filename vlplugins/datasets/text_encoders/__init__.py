"""Encoders of sentences; importing the package registers them, and loads no model."""

from vlplugins.datasets.text_encoders.base import SentenceEncoder
from vlplugins.datasets.text_encoders.cached import CachedSentenceEncoder
from vlplugins.datasets.text_encoders.hashed import HashSentenceEncoder
from vlplugins.datasets.text_encoders.transformer import TransformerSentenceEncoder

__all__ = ['CachedSentenceEncoder', 'HashSentenceEncoder', 'SentenceEncoder', 'TransformerSentenceEncoder']
