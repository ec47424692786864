"""Sentence vectors that are computed once and kept on disk."""

import hashlib
import sys
from typing import List, Sequence, Union

import numpy as np
from tqdm import tqdm

from vlplugins.datasets.text_encoders.base import SentenceEncoder
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.feature_cache import FeatureCache


def _name_of(text: str) -> str:
    return hashlib.blake2b(text.encode('utf-8', errors='surrogatepass'), digest_size=16).hexdigest()


@TASK_UTILS.register_module()
class CachedSentenceEncoder(SentenceEncoder):
    """Asks an encoder only for sentences that it has not met, each once, and keeps the vectors in a file.

    The file is written after every ``save_every`` sentences, so that a killed run goes on where it was. That of another
    encoder is refused.

    Args:
        encoder: The encoder, or its config.
        path: The ``.npz`` file.
        save_every: New sentences between two writes.
        show_progress: Show a progress bar where more than ``save_every`` are new.

    Raises:
        RecordError: a damaged file, or one of another encoder.
    """

    def __init__(
        self,
        encoder: Union[SentenceEncoder, dict],
        path: str,
        save_every: int = 1024,
        show_progress: bool = True,
    ) -> None:
        self.encoder = TASK_UTILS.build(encoder) if isinstance(encoder, dict) else encoder
        super().__init__(self.encoder.dim)
        if save_every < 1:
            raise ValueError(f'save_every {save_every} must be at least 1')
        self.path, self.save_every, self.show_progress = path, save_every, show_progress
        self._cache = FeatureCache(self.encoder.fingerprint, path)
        self._vectors = dict(zip(self._cache.names, self._cache.features))

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def fingerprint(self) -> str:
        """That of the encoder."""
        return self.encoder.fingerprint

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors ``[N, D]``, new ones from the encoder."""
        names = [_name_of(text) for text in texts]
        new = {name: text for name, text in zip(names, texts) if name not in self._vectors}
        if new:
            self._encode_new(list(new), list(new.values()))
        return np.stack([self._vectors[name] for name in names])

    def _encode_new(self, names: List[str], texts: List[str]) -> None:
        hidden = not self.show_progress or len(texts) <= self.save_every
        with tqdm(total=len(texts), desc='encoding sentences', file=sys.stderr, disable=hidden) as bar:
            for begin in range(0, len(texts), self.save_every):
                part = texts[begin : begin + self.save_every]
                for name, vector in zip(names[begin : begin + self.save_every], self.encoder.encode(part)):
                    self._vectors[name] = vector
                    self._cache.add(name, '', vector)
                self._cache.save()
                bar.update(len(part))
