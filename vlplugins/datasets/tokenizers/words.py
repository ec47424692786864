"""Whole words as tokens."""

import re
from typing import Sequence

import numpy as np

from vlplugins.datasets.tokenizers.base import Tokenizer
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.word_vectors import FIRST_ID, UNKNOWN_ID, read_word_vectors

_WORD = re.compile(r'\w+|[^\w\s]')


@TASK_UTILS.register_module()
class WordTokenizer(Tokenizer):
    """Ids of the words of a file of word vectors: 0 is padding, 1 any unknown word, 2 the first word of the file.

    Args:
        vocabulary: The ``.npz`` file, see :func:`read_word_vectors`.
        context_length: M, tokens of a text; further ones are dropped.

    Raises:
        RecordError: as :func:`read_word_vectors`.
    """

    def __init__(self, vocabulary: str, context_length: int = 50) -> None:
        super().__init__(context_length)
        words, _ = read_word_vectors(vocabulary)
        self.ids = {word: number for number, word in enumerate(words, FIRST_ID)}

    def encode_words(self, words: Sequence[str]) -> np.ndarray:
        """Ids ``[n]``, int64, of n words, of any number."""
        return np.array([self.ids.get(word.lower(), UNKNOWN_ID) for word in words], dtype=np.int64)

    def encode_batch(self, texts: Sequence[str]) -> np.ndarray:
        """Ids ``[N, M]``, int64, of N texts; a word is a run of letters and digits, or another character."""
        ids = np.zeros((len(texts), self.context_length), dtype=np.int64)
        for row, text in zip(ids, texts):
            found = self.encode_words(_WORD.findall(text))[: self.context_length]
            row[: len(found)] = found
        return ids
