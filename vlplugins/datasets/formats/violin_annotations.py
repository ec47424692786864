"""The annotations of VIOLIN as they are released: clips with subtitles, and pairs of statements about them."""

import functools
import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple, Union

import numpy as np

from vlplugins.datasets.formats.text_files import read_json
from vlplugins.utils.records import RecordError, SkipCounter

SPLITS = ('train', 'validate', 'test')
PAIRS = 3
POLARITIES = ('real', 'fake')
_LINE = '[text, start, end], [text, [start, end]] or {"text", "start", "end"}, in seconds from the start of the clip'
_TYPES = '{clip id: [[kinds, kinds] x 3]}'
_RECORD = 'file, split, sub, and three pairs [entailed, contradicted] as statement'
_TV_CLIP = re.compile(r'^(?P<show>[a-z]+)_s\d+e\d+.*clip_(?P<start>\d+)_(?P<end>\d+)$')
_FILM_CLIP = re.compile(r'^.{11}_clip_(?P<start>\d+)_(?P<end>\d+)$')
_SPACED = (',', '!', '.', ':')


# Statements and lines are cleaned where they are read, and again where features and graphs are checked against them.
@functools.lru_cache(maxsize=1 << 17)
def clean_statement(text: str) -> str:
    """Text as the authors of VIOLIN give it to a language model.

    Letters, digits and ``,!?:.'``( and the back-quote stay, other characters are blanks; contractions are cut off, and
    punctuation stands for itself; brackets and question marks go; lower case.
    """
    text = re.sub(r"[^A-Za-z0-9,!:.'`]", ' ', text)
    text = re.sub(r"('s|'ve|n't|'re|'d|'ll|'m)", r' \1', text)
    text = text.replace('...', ' . ')
    for mark in _SPACED:
        text = text.replace(mark, f' {mark} ')
    return ' '.join(text.split()).lower()


def has_words(text: str) -> bool:
    """Whether a letter or digit is left of a text."""
    return bool(re.search('[a-z0-9]', clean_statement(text)))


def key_of(clip_id: str, pair: int, polarity: int) -> str:
    """The key of a statement: polarity 0 follows from the clip, 1 does not."""
    return f'{clip_id}-{pair}-{polarity}'


def show_of(clip_id: str) -> str:
    """The show of a clip: the letters before season and episode, or ``'movieclips'``, or ``'other'``."""
    found = _TV_CLIP.match(clip_id)
    if found:
        return found['show']
    return 'movieclips' if _FILM_CLIP.match(clip_id) else 'other'


class ViolinFile:
    """Clips of ``violin_annotation.json``.

    A clip is ``dict(clip_id, split, source, lines, times, duration, statements)``: ``lines`` texts of the subtitles;
    ``times`` float32 ``[S, 2]``, seconds from the start of the clip, NaN where the file has none; ``duration`` seconds;
    ``statements`` three pairs of strings.

    The unit of the times in the released file was not checked: they are taken as seconds from the start of the clip,
    as in its later conversions.

    Args:
        path: The file.
        strict: Refuse clips without three pairs of statements; otherwise they are left out and counted.

    Raises:
        FileNotFoundError: no such file.
        RecordError: malformed JSON, a missing key, a clip that is there twice, an unknown split, a line of unknown
            shape; or, if strict, another number of pairs or a blank statement.
    """

    def __init__(self, path: Union[str, Path], strict: bool = True) -> None:
        self.path, self.strict = Path(path), strict
        self.report: Counter = Counter()
        self.left_out = SkipCounter('clips')
        self.clips = [clip for clip in self._read() if clip]

    @property
    def statements(self) -> Dict[str, str]:
        """All statements, cleaned, by :func:`key_of`, in order."""
        return {
            key_of(clip['clip_id'], pair, polarity): clean_statement(text)
            for clip in self.clips
            for pair, texts in enumerate(clip['statements'])
            for polarity, text in enumerate(texts)
        }

    def summary(self) -> str:
        """One line: what is in the file, and what is irregular."""
        counts = Counter(clip['split'] for clip in self.clips)
        parts = [f'{counts[split]:,} {split}' for split in SPLITS]
        irregular = [f'{count:,} {what}' for what, count in self.report.items()]
        left_out = [self.left_out.summary()] if self.left_out.total else []
        return f'{self.path}: clips: {", ".join(parts)}' + ''.join(f'; {each}' for each in irregular + left_out)

    def _read(self) -> List[Dict[str, Any]]:
        if not self.path.is_file():
            raise FileNotFoundError(f'no such annotations: {self.path}')
        try:
            content = json.loads(self.path.read_text(encoding='utf-8-sig'), object_pairs_hook=self._unique)
        except json.JSONDecodeError as error:
            where = f'line {error.lineno}, column {error.colno}'
            raise RecordError(self.path, f'no JSON ({error.msg})', 'annotations in JSON', where) from None
        if not isinstance(content, dict) or not content:
            raise RecordError(self.path, f'a JSON {type(content).__name__}', '{clip id: record}')
        clips = [self._clip(str(name), record) for name, record in content.items()]
        owners: Dict[str, str] = {}
        for name, clip in zip(content, clips):
            other = owners.setdefault(clip.get('clip_id', name), name)
            if other != name:
                # By its keys once, by its file twice, and perhaps in two splits.
                raise RecordError(self.path, f'the clip of record {other!r} again', 'each clip once', name)
        return clips

    def _unique(self, pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
        """A clip that occurs twice would be in two splits."""
        counts = Counter(key for key, _ in pairs)
        twice = [key for key, count in counts.items() if count > 1]
        if twice:
            raise RecordError(self.path, 'a key twice', 'each clip once', twice[0])
        return dict(pairs)

    def _clip(self, name: str, record: Any) -> Dict[str, Any]:
        for key in ('split', 'sub', 'statement'):
            if not isinstance(record, dict) or key not in record:
                found = sorted(record) if isinstance(record, dict) else type(record).__name__
                raise RecordError(self.path, f'{found} without {key!r}', _RECORD, name)
        if record['split'] not in SPLITS:
            raise RecordError(self.path, f'the split {record["split"]!r}', f'one of {SPLITS}', name)
        statements = self._statements(record['statement'], name)
        if statements is None:
            return {}
        clip_id = str(record.get('file') or name).strip()
        duration = self._duration(clip_id, record)
        lines, times = self._lines(record['sub'], clip_id)
        if not math.isfinite(duration):
            duration = float(np.nanmax(times)) if np.isfinite(times).any() else 0.0
        times = self._mend(times, duration)
        return dict(
            clip_id=clip_id,
            split=record['split'],
            source=show_of(clip_id),
            lines=lines,
            times=times,
            duration=duration,
            statements=statements,
        )

    def _statements(self, pairs: Any, name: str) -> Any:
        problem, number = None, None
        if not isinstance(pairs, list) or len(pairs) != PAIRS:
            problem = f'{len(pairs) if isinstance(pairs, list) else type(pairs).__name__} pairs of statements'
        for index, pair in enumerate(pairs if problem is None else ()):
            if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(isinstance(t, str) for t in pair):
                problem, number = f'the pair {pair!r:.60}', index
            elif not all(has_words(text) for text in pair):
                problem, number = 'a statement without words', index
        if problem is None:
            self.report['pairs of equal statements'] += sum(
                clean_statement(real) == clean_statement(fake) for real, fake in pairs
            )
            self.report += Counter()
            return [tuple(text.strip() for text in pair) for pair in pairs]
        if self.strict:
            record = name if number is None else f'{name}, pair {number}'
            raise RecordError(self.path, problem, 'three pairs [entailed, contradicted]', record)
        self.left_out.add('without three pairs of statements')
        return None

    def _lines(self, lines: Any, name: str) -> Tuple[List[str], np.ndarray]:
        if not isinstance(lines, list):
            raise RecordError(self.path, f'sub is a {type(lines).__name__}', f'a list of {_LINE}', name)
        texts, times = [], []
        for index, line in enumerate(lines):
            try:
                text, start, end = _parts_of(line)
                times.append([_seconds(start), _seconds(end)])
            except (ValueError, TypeError, KeyError):
                raise RecordError(self.path, f'{line!r:.80}', _LINE, f'{name}, sub {index}') from None
            texts.append(str(text))
        return texts, np.array(times, dtype=np.float32).reshape(-1, 2)

    def _duration(self, name: str, record: Dict[str, Any]) -> float:
        """Length of a clip by its span, else by the seconds in its name; NaN where neither tells."""
        span = record.get('span')
        if isinstance(span, (list, tuple)) and len(span) == 2:
            try:
                length = float(span[1]) - float(span[0])
            except (TypeError, ValueError):
                length = math.nan
            if length > 0:
                return length
        found = _TV_CLIP.match(name) or _FILM_CLIP.match(name)
        length = float(found['end']) - float(found['start']) if found else math.nan
        return length if length > 0 else math.nan

    def _mend(self, times: np.ndarray, duration: float) -> np.ndarray:
        times = np.where(np.isfinite(times).all(axis=1, keepdims=True), times, np.nan)
        self.report['lines without times'] += int(np.isnan(times[:, 0]).sum())
        reversed_ = times[:, 1] < times[:, 0]
        self.report['lines with reversed times'] += int(reversed_.sum())
        times = np.where(reversed_[:, None], times[:, ::-1], times)
        outside = (times > duration).any(axis=1) | (times < 0).any(axis=1)
        self.report['lines beyond the clip'] += int(outside.sum())
        self.report += Counter()
        return np.clip(times, 0, duration).astype(np.float32)


def _parts_of(line: Any) -> Tuple[str, Any, Any]:
    if isinstance(line, dict):
        return line['text'], line['start'], line['end']
    if not isinstance(line, (list, tuple)) or not line or not isinstance(line[0], str):
        raise ValueError(line)
    rest = line[1] if len(line) == 2 else line[1:]
    start, end = rest
    return line[0], start, end


def _seconds(value: Any) -> float:
    return math.nan if value is None else float(value)


def read_statement_types(
    path: Union[str, Path], clips: Sequence[str], known: Sequence[str]
) -> Dict[str, List[Tuple[List[str], List[str]]]]:
    """Kinds of statements that a side file tells: ``{clip id: [[of the real, of the fake] x 3]}``.

    A kind is a string or a list of strings.

    Raises:
        RecordError: no such file or no JSON, another number of pairs, a clip without kinds, or an unknown kind.
    """
    content = read_json(path, _TYPES)
    if not isinstance(content, dict):
        raise RecordError(path, f'a JSON {type(content).__name__}', _TYPES)
    found = {}
    for clip_id in clips:
        pairs = content.get(clip_id)
        is_whole = isinstance(pairs, list) and len(pairs) == PAIRS
        if not is_whole or not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise RecordError(path, f'{pairs!r:.60}', 'three pairs of kinds', clip_id)
        found[clip_id] = [tuple([each] if isinstance(each, str) else list(each) for each in pair) for pair in pairs]
        unknown = sorted({kind for pair in found[clip_id] for kinds in pair for kind in kinds} - set(known))
        if unknown:
            raise RecordError(path, f'the kind {unknown[0]!r}', f'one of {tuple(known)}', clip_id)
    return found
