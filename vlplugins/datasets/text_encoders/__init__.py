"""Encoders of sentences; importing the package registers them, and loads no model."""

from vlplugins.datasets.text_encoders.base import SentenceEncoder, TokenStates
from vlplugins.datasets.text_encoders.cached import CachedSentenceEncoder
from vlplugins.datasets.text_encoders.hashed import HashSentenceEncoder
from vlplugins.datasets.text_encoders.transformer import TransformerSentenceEncoder
from vlplugins.datasets.text_encoders.word_vectors import WordVectorEncoder

__all__ = [
    'CachedSentenceEncoder',
    'HashSentenceEncoder',
    'SentenceEncoder',
    'TokenStates',
    'TransformerSentenceEncoder',
    'WordVectorEncoder',
]
