"""Vectors of words from a file, such as those of GloVe."""

import hashlib
from typing import List, Sequence

import numpy as np

from vlplugins.datasets.text_encoders.base import SentenceEncoder, TokenStates
from vlplugins.datasets.text_encoders.hashed import words_of
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.word_vectors import FIRST_ID, UNKNOWN_ID, read_word_vectors


@TASK_UTILS.register_module()
class WordVectorEncoder(SentenceEncoder):
    """Vectors of the words between blanks, in lower case; unknown words get the mean of all vectors.

    A sentence is the sum of its words.

    Args:
        path: The file, by ``tools/dataset_converters/word_vectors_to_npz.py``.

    Raises:
        RecordError: as :func:`read_word_vectors`.
    """

    def __init__(self, path: str) -> None:
        words, self._vectors = read_word_vectors(path)
        super().__init__(self._vectors.shape[1])
        self._ids = {word: number for number, word in enumerate(words, FIRST_ID)}

    @property
    def fingerprint(self) -> str:
        """Digest of words and vectors."""
        digest = hashlib.blake2b('\n'.join(self._ids).encode(), digest_size=16)
        digest.update(np.ascontiguousarray(self._vectors).tobytes())
        return f'words-{digest.hexdigest()}'

    def _vector(self, word: str) -> np.ndarray:
        return self._vectors[self._ids.get(word.lower(), UNKNOWN_ID)]

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Sums of word vectors, ``[N, D]``."""
        return np.stack([each.vectors.sum(axis=0) for each in self.encode_tokens(texts)])

    def encode_tokens(self, texts: Sequence[str]) -> List[TokenStates]:
        """The vector of each word."""
        return [words_of(text, self.dim, self._vector) for text in texts]
