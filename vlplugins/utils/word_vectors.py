"""Vectors of words, in one file that tokenizer and model share."""

from pathlib import Path
from typing import List, Tuple, Union

import numpy as np

from vlplugins.utils.files import write_npz
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz

# Ids before those of the words.
PAD_ID, UNKNOWN_ID, FIRST_ID = 0, 1, 2


def read_word_vectors(path: Union[str, Path]) -> Tuple[List[str], np.ndarray]:
    """Words (V of them; word i has the id ``i + 2``), and the vectors of all ids, float32 ``[V + 2, D]``.

    The row of padding is zero, that of unknown words the mean of all.

    Raises:
        RecordError: no such file, no ``words [V]`` and ``vectors [V, D]``, a word twice, or values that are not finite.
    """
    arrays = load_npz(path, ['words', 'vectors'])
    words, vectors = arrays['words'].tolist(), np.asarray(arrays['vectors'], dtype=np.float32)
    if vectors.ndim != 2 or not 0 < len(words) == len(vectors) or len(set(words)) < len(words):
        found = f'{len(words)} words ({len(set(words))} of them different) for {vectors.shape}'
        raise RecordError(path, found, 'words [V] and vectors [V, D]')
    if not np.isfinite(vectors).all():
        raise RecordError(path, 'values that are not finite', 'finite vectors')
    first = np.stack([np.zeros(vectors.shape[1], np.float32), vectors.mean(axis=0)])
    return words, np.concatenate([first, vectors])


def write_word_vectors(path: Union[str, Path], words: List[str], vectors: np.ndarray) -> None:
    """Write words and their vectors ``[V, D]``."""
    write_npz(path, dict(words=np.array(words, dtype=np.str_), vectors=np.asarray(vectors, dtype=np.float32)))
