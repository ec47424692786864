"""Sentence vectors from hashed words: nothing to download, the same on every machine."""

import functools
import re
import zlib
from typing import Callable, List, Sequence

import numpy as np

from vlplugins.datasets.text_encoders.base import SentenceEncoder, TokenStates
from vlplugins.registry import TASK_UTILS

_WORD = re.compile(r"[\w']+")


@functools.lru_cache(maxsize=65536)
def _word_vector(word: str, dim: int, seed: int) -> np.ndarray:
    # Not Python's hash(), which is another one in every process.
    return np.random.default_rng(zlib.crc32(f'{seed} {word}'.encode())).standard_normal(dim).astype(np.float32)


@TASK_UTILS.register_module()
class HashSentenceEncoder(SentenceEncoder):
    """A seeded random projection of the counts of the words: sentences that share words are near.

    For tests and for sets without a language model. A word is a run of letters, digits and apostrophes, in lower case;
    a sentence without any counts its characters' string as one word.

    Args:
        dim: D.
        seed: Seed of the projection.
    """

    def __init__(self, dim: int = 384, seed: int = 0) -> None:
        super().__init__(dim)
        self.seed = seed

    @property
    def fingerprint(self) -> str:
        """Name, size and seed."""
        return f'hash-{self.dim}-{self.seed}'

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Sums of word vectors, ``[N, D]``."""
        words = [_WORD.findall(text.lower()) or [text.strip()] for text in texts]
        return np.stack([sum(_word_vector(word, self.dim, self.seed) for word in each) for each in words])

    def encode_tokens(self, texts: Sequence[str]) -> List[TokenStates]:
        """A random vector for each run of characters between blanks: the same for the same word."""
        return [
            words_of(text, self.dim, lambda word: _word_vector(word.lower(), self.dim, self.seed)) for text in texts
        ]


def words_of(text: str, dim: int, vector_of: Callable[[str], np.ndarray]) -> TokenStates:
    """Tokens of a text that are words between blanks, with the vectors that a function gives them."""
    found = list(re.finditer(r'\S+', text))
    vectors = np.array([vector_of(each.group()) for each in found], dtype=np.float32).reshape(-1, dim)
    return TokenStates(vectors, np.array([each.span() for each in found], dtype=np.int64).reshape(-1, 2))
