"""The byte-pair encoding of CLIP, by the package instant-clip-tokenizer."""

import functools
import html
import importlib.util
from typing import Any, Sequence

import numpy as np

from vlplugins.datasets.tokenizers.base import Tokenizer
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.optional import require

START_TOKEN, END_TOKEN, VOCABULARY_SIZE, MAX_CONTEXT = 49406, 49407, 49408, 77


@functools.lru_cache(maxsize=1)
def _encoder() -> Any:
    # One for all tokenizers of a process: it takes 0.2 s to build, and cannot be pickled.
    return require('instant_clip_tokenizer', 'CLIPTokenizer').Tokenizer()


@functools.lru_cache(maxsize=1)
def _fix_text() -> Any:
    if importlib.util.find_spec('ftfy') is None:
        return lambda text: text
    return require('ftfy', 'CLIPTokenizer').fix_text


def clean_text(text: str) -> str:
    """Undo wrong encodings (where ftfy is installed) and HTML entities, twice, and collapse white space."""
    return ' '.join(html.unescape(html.unescape(_fix_text()(text))).split())


@TASK_UTILS.register_module(name=['CLIP', 'CLIPTokenizer'])
class CLIPTokenizer(Tokenizer):
    """Token ids of CLIP (Radford et al., 2021): lower-cased byte-pair encoding with 49,408 ids.

    A text is ``[49406, ids..., 49407]``, filled up with 0. A text that is too long loses tokens before the end token,
    never that one: the text tower reads its feature there. The words ``<|endoftext|>`` in a text are plain text.

    Args:
        context_length: M, at most 77.

    Raises:
        ValueError: ``context_length`` outside 3..77.
        ImportError: instant-clip-tokenizer is not installed.
    """

    def __init__(self, context_length: int = MAX_CONTEXT) -> None:
        if not 3 <= context_length <= MAX_CONTEXT:
            raise ValueError(f'context_length {context_length} is outside 3..{MAX_CONTEXT}, the positions of CLIP')
        super().__init__(context_length)
        _encoder()

    def encode_batch(self, texts: Sequence[str]) -> np.ndarray:
        """Ids ``[N, M]``, int64, of N texts."""
        cleaned = [clean_text(text) for text in texts]
        ids = _encoder().tokenize_batch(cleaned, context_length=self.context_length)
        # The package gives unsigned 16 bits, which torch can neither index with nor compute on.
        return np.asarray(ids).reshape(len(cleaned), self.context_length).astype(np.int64)
