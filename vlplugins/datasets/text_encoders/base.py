"""What the sentence encoders share."""

from abc import ABC, abstractmethod
from typing import List, NamedTuple, Sequence

import numpy as np


class TokenStates(NamedTuple):
    """Vectors of the L tokens of a text, float32 ``[L, D]``, and where they stand in it, int64 ``[L, 2]``.

    Tokens that stand for no characters (``[CLS]``) have an empty span.
    """

    vectors: np.ndarray
    spans: np.ndarray


class SentenceEncoder(ABC):
    """Turns sentences into vectors of unit length; an empty sentence into the zero vector.

    Args:
        dim: D, numbers of a vector.
    """

    def __init__(self, dim: int) -> None:
        if dim < 1:
            raise ValueError(f'dim {dim} must be at least 1')
        self.dim = dim

    @abstractmethod
    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors ``[N, D]`` of N sentences, none of which is blank; their length does not matter."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Digest of all that determines the vectors."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors float32 ``[N, D]`` of N sentences, of length 1, or 0 for blank ones.

        Raises:
            ValueError: what is no string, or vectors that are not finite.
        """
        texts = list(texts)
        wrong = [text for text in texts if not isinstance(text, str)]
        if wrong:
            raise ValueError(f'found {wrong[0]!r}; expected strings')
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        places = [place for place, text in enumerate(texts) if text.strip()]
        if places:
            found = np.asarray(self.encode_texts([texts[place] for place in places]), dtype=np.float32)
            if found.shape != (len(places), self.dim) or not np.isfinite(found).all():
                raise ValueError(f'{type(self).__name__} gave {found.shape}; expected finite {(len(places), self.dim)}')
            vectors[places] = found / np.linalg.norm(found, axis=1, keepdims=True).clip(min=1e-12)
        return vectors

    def encode_tokens(self, texts: Sequence[str]) -> List[TokenStates]:
        """Vectors of the tokens of each text, as they are, without any scaling; of a blank text maybe none.

        Raises:
            NotImplementedError: an encoder that has no vectors of tokens.
        """
        raise NotImplementedError(f'{type(self).__name__} gives vectors of sentences alone')
