"""The word pieces of BERT, by the package tokenizers."""

from pathlib import Path
from typing import Any, Sequence, Tuple

import numpy as np

from vlplugins.datasets.tokenizers.base import Tokenizer
from vlplugins.registry import TASK_UTILS
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError

_SPECIAL = ('[PAD]', '[UNK]', '[CLS]', '[SEP]')


@TASK_UTILS.register_module(name=['WordPiece', 'WordPieceTokenizer'])
class WordPieceTokenizer(Tokenizer):
    """Token ids of BERT (Devlin et al., 2019): ``[CLS] pieces... [SEP]``, filled up with 0.

    A text that is too long loses pieces before ``[SEP]``.

    Args:
        vocabulary: ``vocab.txt``, a piece a line; the first is ``[PAD]``.
        context_length: M, tokens of a text, at least 3.
        lowercase: Lower-case texts and strip accents, as the uncased models do.

    Raises:
        RecordError: a missing file, or one without the special tokens.
        ValueError: ``context_length`` below 3.
        ImportError: the package tokenizers is not installed.
    """

    def __init__(self, vocabulary: str, context_length: int = 64, lowercase: bool = True) -> None:
        if context_length < 3:
            raise ValueError(f'context_length {context_length} is below 3: [CLS], a piece, [SEP]')
        super().__init__(context_length)
        self.vocabulary, self.lowercase = str(vocabulary), lowercase
        self._encoder = self._make()

    def _make(self) -> Any:
        path = Path(self.vocabulary)
        try:
            pieces = path.read_text(encoding='utf-8').splitlines()
        except OSError as error:
            raise RecordError(path, error.strerror or 'an unreadable file', 'a vocabulary of word pieces') from None
        lacking = [each for each in _SPECIAL if each not in pieces]
        if lacking or pieces[0] != _SPECIAL[0]:
            raise RecordError(path, f'no {lacking or pieces[:1]}', '[PAD] first, and [UNK], [CLS] and [SEP]')
        encoder = require('tokenizers', type(self).__name__).BertWordPieceTokenizer(
            {piece: number for number, piece in enumerate(pieces)}, lowercase=self.lowercase
        )
        encoder.enable_truncation(self.context_length)
        encoder.enable_padding(length=self.context_length)
        return encoder

    def encode_batch(self, texts: Sequence[str]) -> np.ndarray:
        """Ids ``[N, M]``, int64, of N texts."""
        return self.encode_with_offsets(texts)[0]

    def encode_with_offsets(self, texts: Sequence[str]) -> Tuple[np.ndarray, np.ndarray]:
        """Ids ``[N, M]`` and the characters of each token, start and exclusive end ``[N, M, 2]``, both int64.

        Special tokens and padding have ``(0, 0)``.
        """
        encoded = self._encoder.encode_batch(list(texts))
        ids = np.array([each.ids for each in encoded], dtype=np.int64).reshape(-1, self.context_length)
        offsets = np.array([each.offsets for each in encoded], dtype=np.int64).reshape(-1, self.context_length, 2)
        return ids, offsets
