"""Tokenizers of text; importing the package registers them."""

from vlplugins.datasets.tokenizers.base import Tokenizer
from vlplugins.datasets.tokenizers.clip import CLIPTokenizer
from vlplugins.datasets.tokenizers.word_piece import WordPieceTokenizer
from vlplugins.datasets.tokenizers.words import WordTokenizer

__all__ = ['CLIPTokenizer', 'Tokenizer', 'WordPieceTokenizer', 'WordTokenizer']
