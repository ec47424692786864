"""Tokenizers of text; importing the package registers them."""

from vlplugins.datasets.tokenizers.base import Tokenizer
from vlplugins.datasets.tokenizers.clip import CLIPTokenizer

__all__ = ['CLIPTokenizer', 'Tokenizer']
