"""What the tokenizers share."""

from abc import ABC, abstractmethod
from typing import Sequence

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
