"""What the tokenizers share."""

from abc import ABC, abstractmethod
from typing import Sequence, Tuple

import numpy as np


class Tokenizer(ABC):
    """Turns texts into token ids of one length.

    Args:
        context_length: M, the tokens of a text with its special tokens.
    """

    def __init__(self, context_length: int) -> None:
        self.context_length = context_length

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> np.ndarray:
        """Ids ``[N, M]``, int64, of N texts."""

    def encode_with_offsets(self, texts: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
        """Ids ``[N, M]`` and the characters of each token, start and exclusive end ``[N, M, 2]``, both int64.

        Raises:
            NotImplementedError: the tokenizer does not know them.
        """
        raise NotImplementedError(f'{type(self).__name__} does not tell the characters of a token')
