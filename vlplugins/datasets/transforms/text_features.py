"""Features of the words of subtitles and statements."""

import hashlib
from typing import Any, Dict, Sequence

import numpy as np
from mmcv.transforms import BaseTransform

from vlplugins.datasets.formats.violin_annotations import clean_statement
from vlplugins.registry import TASK_UTILS, TRANSFORMS
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz


def digest_of(text: str) -> str:
    """Digest of a text, by which features of another one are told."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def encode_clip(encoder: Any, subtitles: Sequence[str], statements: Sequence[str]) -> Dict[str, np.ndarray]:
    """Features of the words of a clip.

    All lines are one text for the encoder, joined by blanks; each of its tokens keeps the number of its line.

    Args:
        encoder: A sentence encoder that has vectors of tokens.
        subtitles: Cleaned lines; blank ones have no tokens.
        statements: Cleaned statements.

    Returns:
        ``sub`` float16 ``[L, D]``, ``sub_line`` int64 ``[L]`` (-1 for tokens of no characters); for each statement i
        ``stm_<i>`` float16 ``[N, D]`` and ``span_<i>`` int64 ``[N, 2]``, characters of its tokens; ``texts``,
        digests of the lines and of each statement.
    """
    joined, owners = '', []
    for number, line in enumerate(subtitles):
        text = f'{line} ' if line else ''
        joined += text
        owners += [number] * len(text)
    found = encoder.encode_tokens([joined, *statements])
    spans = found[0].spans
    is_real = spans[:, 1] > spans[:, 0]
    lines = np.full(len(spans), -1, dtype=np.int64)
    lines[is_real] = np.array(owners, dtype=np.int64)[spans[is_real, 0]]
    arrays = dict(sub=found[0].vectors.astype(np.float16), sub_line=lines)
    for number, states in enumerate(found[1:]):
        arrays[f'stm_{number}'] = states.vectors.astype(np.float16)
        arrays[f'span_{number}'] = states.spans
    arrays['texts'] = np.array([digest_of('\n'.join(subtitles)), *map(digest_of, statements)])
    return arrays


class _TextFeatures(BaseTransform):
    """What the two ways to features of words share."""

    def __init__(self, max_tokens: int = 256, max_statement_tokens: int = 48) -> None:
        if min(max_tokens, max_statement_tokens) < 1:
            raise ValueError(f'max_tokens {max_tokens} and max_statement_tokens {max_statement_tokens} must be above 0')
        self.max_tokens, self.max_statement_tokens = max_tokens, max_statement_tokens

    def add(self, results: Dict[str, Any], arrays: Dict[str, np.ndarray], numbers: Sequence[int]) -> Dict[str, Any]:
        """Put the subtitles, and the statements of these numbers, into the results."""
        results['sub'] = arrays['sub'][: self.max_tokens].astype(np.float32)
        results['sub_line'] = arrays['sub_line'][: self.max_tokens].copy()
        limit = self.max_statement_tokens
        results['stm'] = [arrays[f'stm_{number}'][:limit].astype(np.float32) for number in numbers]
        results['stm_spans'] = [arrays[f'span_{number}'][:limit] for number in numbers]
        return results


@TRANSFORMS.register_module()
class LoadTextFeatures(_TextFeatures):
    """Loads features of words from ``text_file``, by ``tools/dataset_converters/encode_violin_text.py``.

    Adds ``sub`` float32 ``[L, D]``, ``sub_line`` int64 ``[L]``, and for each statement of the record a member of
    ``stm`` (float32 ``[N, D]``) and of ``stm_spans`` (int64 ``[N, 2]``, characters of each token).

    Args:
        max_tokens: L at most.
        max_statement_tokens: N at most.
        dim: D, where it is to be checked.

    Raises:
        ValueError: a limit below 1.
        RecordError: (when called) a missing or damaged file, features of other subtitles or lines, another D, values
            that are not finite.
    """

    def __init__(self, max_tokens: int = 256, max_statement_tokens: int = 48, dim: Any = None) -> None:
        super().__init__(max_tokens, max_statement_tokens)
        self.dim = dim

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the features."""
        numbers = [2 * pair + polarity for pair, polarity in zip(results['pair_indices'], results['polarities'])]
        path = results['text_file']
        arrays = load_npz(path)
        self._check(arrays, numbers, results)
        return self.add(results, arrays, numbers)

    def _check(self, arrays: Dict[str, np.ndarray], numbers: Sequence[int], results: Dict[str, Any]) -> None:
        path, clip = results['text_file'], results.get('video_id')
        names = ['sub', *(f'stm_{number}' for number in numbers)]
        needed = (*names, *(f'span_{number}' for number in numbers), 'sub_line', 'texts')
        missing = [name for name in needed if name not in arrays]
        if missing:
            raise RecordError(path, f'the arrays {sorted(arrays)}', f'an array {missing[0]}', clip)
        made_of = [digest_of('\n'.join(results['subtitles']))]
        made_of += [digest_of(clean_statement(text)) for text in results['statements']]
        if [arrays['texts'][place] for place in (0, *(1 + number for number in numbers))] != made_of:
            raise RecordError(path, 'features of other texts', 'those of the annotations; encode them anew', clip)
        sub, lines = arrays['sub'], arrays['sub_line']
        if len(sub) != len(lines) or (len(lines) and lines.max() >= len(results['subtitles'])):
            found = f'sub_line of {len(lines)} tokens up to line {lines.max(initial=-1)} for {len(sub)} rows'
            raise RecordError(path, found, f'lines below {len(results["subtitles"])} for each row', clip)
        for name in names:
            values = arrays[name]
            if values.ndim != 2 or self.dim not in (None, values.shape[1]):
                raise RecordError(path, f'{name} {values.shape}', f'{name} [tokens, {self.dim or "D"}]', clip)
            if not np.isfinite(values).all():
                raise RecordError(path, f'values of {name} that are not finite', 'finite features', clip)


@TRANSFORMS.register_module()
class EncodeClipTexts(_TextFeatures):
    """Adds what :class:`LoadTextFeatures` adds, by an encoder in the pipeline; ``subtitles`` must be clean.

    Args:
        encoder: Config of a sentence encoder that has vectors of tokens.
        max_tokens: As in :class:`LoadTextFeatures`.
        max_statement_tokens: As in :class:`LoadTextFeatures`.
    """

    def __init__(self, encoder: dict, max_tokens: int = 256, max_statement_tokens: int = 48) -> None:
        super().__init__(max_tokens, max_statement_tokens)
        self.encoder = TASK_UTILS.build(encoder)

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Encode."""
        statements = [clean_statement(text) for text in results['statements']]
        arrays = encode_clip(self.encoder, results['subtitles'], statements)
        return self.add(results, arrays, range(len(statements)))


@TRANSFORMS.register_module()
class SubtitleWordDropout(BaseTransform):
    """Drops words of the subtitles, never of statements.

    Args:
        p: Probability, 0 to below 1.
        rng: Source of random numbers: a ``numpy.random.Generator``, or the module ``numpy.random``.

    Raises:
        ValueError: ``p`` outside 0..1.
    """

    def __init__(self, p: float = 0.1, rng: Any = np.random) -> None:
        if not 0 <= p < 1:
            raise ValueError(f'p {p} must be in 0..1, below 1')
        self.p, self.rng = p, rng

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Drop."""
        kept = self.rng.uniform(0, 1, len(results['sub_line'])) >= self.p
        results['sub'], results['sub_line'] = results['sub'][kept], results['sub_line'][kept]
        return results
