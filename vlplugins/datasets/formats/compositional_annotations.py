"""Annotation files of compositional temporal grounding, as they are released, with all that is irregular in them."""

import json
import logging
import math
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

from mmengine.logging import print_log

from vlplugins.datasets.sentence_graph import COMPOSITION_TYPES, key_of
from vlplugins.utils.records import RecordError

REPOSITORY = 'github.com/YYJMJC/Compositional-Temporal-Grounding'
SPLITS = ('train', 'test_trivial', 'novel_composition', 'novel_word')
# Universal parts of speech that the released files tag words with.
_POS = {'VERB', 'NOUN', 'ADJ', 'ADV', 'ADP', 'DET', 'SCONJ', 'CCONJ', 'PROPN', 'INTJ', 'PRON', 'NUM', 'AUX', 'PART'}
_EXPECTED = '{video: {"sentences": [...], "timestamps": [[start, end], ...], "duration": seconds}}'
SHORTEST = 0.01

Query = Dict[str, Any]


class CompositionalFile:
    """Queries of one file, ``{video id: {"sentences", "timestamps", "duration"}}`` with parallel lists.

    A query is ``dict(video_id, number, sentence, segment, duration, novel)``: ``number`` counts within the video as the
    file has it, ``segment`` is ``(start, end)`` in seconds with 0 <= start < end <= duration, ``novel`` is
    ``{type of composition: [[first, second], ...]}`` (key ``novels`` of the file), ``{part of speech: [lemma, ...]}``
    (key ``news``), or ``{}``.

    What is irregular is mended or left out, and counted in ``report``: blanks around sentences go; ends beyond the
    duration are clamped; reversed segments are turned; segments without length are dropped in training and get 0.01 s
    in a test; those that begin after the end of the video are dropped; blank sentences are dropped in training.

    Args:
        path: The file.
        is_test: Keep what can be judged at all.
        strict: Refuse a segment that begins after the end of the video.

    Raises:
        FileNotFoundError: no such file.
        RecordError: malformed JSON, lists of different lengths, a duration that is none, times that are no numbers, an
            unknown type of composition, a blank sentence of a test.
    """

    def __init__(self, path: Union[str, Path], is_test: bool = False, strict: bool = False) -> None:
        self.path, self.is_test, self.strict = Path(path), is_test, strict
        self.report: Counter = Counter()
        self.sentences: Dict[str, str] = {}
        self.queries: List[Query] = []
        for video_id, record in self._read().items():
            self._add_video(video_id, record)

    def summary(self) -> str:
        """One line: what was read, and what was irregular."""
        counted = [name for name in self.report if name not in ('videos', 'queries')]
        text = f'{self.path}: {self.report["videos"]} videos, {self.report["queries"]} queries'
        return '; '.join([text, *(f'{self.report[name]} {name}' for name in counted)])

    def _read(self) -> Dict[str, Any]:
        if not self.path.is_file():
            raise FileNotFoundError(f'no such annotations: {self.path}; the authors release them at {REPOSITORY}')
        try:
            content = json.loads(self.path.read_text(encoding='utf-8-sig'))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise RecordError(self.path, f'no JSON ({error})', _EXPECTED) from None
        if not isinstance(content, dict) or not all(isinstance(each, dict) for each in content.values()):
            raise RecordError(self.path, f'a JSON {type(content).__name__} of another layout', _EXPECTED)
        return content

    def _add_video(self, video_id: str, record: Dict[str, Any]) -> None:
        missing = [name for name in ('sentences', 'timestamps', 'duration') if name not in record]
        if missing:
            raise RecordError(self.path, f'no key {missing[0]!r}', _EXPECTED, video_id)
        novel = record.get('novels', record.get('news')) or [{}] * len(record['sentences'])
        lengths = len(record['sentences']), len(record['timestamps']), len(novel)
        if len(set(lengths)) > 1:
            found = '{} sentences, {} timestamps, {} tags'.format(*lengths)
            raise RecordError(self.path, found, 'lists of one length', video_id)
        duration = _number(record['duration'])
        if duration is None or duration <= 0:
            raise RecordError(self.path, f'the duration {record["duration"]!r}', 'seconds above 0', video_id)
        self.report['videos'] += 1
        for number, sentence in enumerate(record['sentences']):
            key = key_of(video_id, number)
            if not isinstance(sentence, str):
                raise RecordError(self.path, f'the sentence {sentence!r}', 'a string', key)
            self.sentences[key] = sentence.strip()
            tags = self._check_tags(novel[number], 'novels' in record, key)
            segment = self._mend(record['timestamps'][number], duration, key)
            if segment is None or self._is_blank(sentence, key):
                continue
            self.report['queries'] += 1
            self.queries.append(
                dict(
                    video_id=video_id,
                    number=number,
                    sentence=sentence.strip(),
                    segment=segment,
                    duration=duration,
                    novel=tags,
                )
            )

    def _is_blank(self, sentence: str, key: str) -> bool:
        if sentence.strip():
            return False
        if self.is_test:
            raise RecordError(self.path, 'a blank sentence', 'a query', key)
        self.report['blank sentences left out'] += 1
        return True

    def _check_tags(self, tags: Any, are_compositions: bool, key: str) -> Dict[str, Any]:
        if not isinstance(tags, dict):
            raise RecordError(self.path, f'the tags {tags!r}', '{type: [...]}', key)
        known = COMPOSITION_TYPES if are_compositions else _POS
        unknown = [name for name in tags if name not in known]
        if unknown and are_compositions:
            raise RecordError(self.path, f'the type {unknown[0]!r}', f'one of {COMPOSITION_TYPES}', key)
        for name in unknown:
            print_log(f'{self.path}, record {key}: unknown part of speech {name!r}', 'current', level=logging.WARNING)
        return tags

    def _mend(self, times: Any, duration: float, key: str) -> Optional[Tuple[float, float]]:
        """A usable segment, or ``None`` where there is none."""
        values = [_number(each) for each in times] if isinstance(times, (list, tuple)) else []
        if len(values) != 2 or None in values:
            raise RecordError(self.path, f'the timestamps {times!r}', '[start, end] in seconds', key)
        start, end = values
        if end < start:
            self.report['reversed segments turned'] += 1
            start, end = end, start
        if start >= duration:
            if self.strict:
                raise RecordError(self.path, f'a start at {start} s of {duration} s', 'a start before the end', key)
            self.report['segments after the end left out'] += 1
            return None
        if end > duration or start < 0:
            self.report['segments clamped'] += 1
            start, end = max(start, 0.0), min(end, duration)
        if end - start < SHORTEST:
            self.report[f'segments without length {"widened" if self.is_test else "left out"}'] += 1
            if not self.is_test:
                return None
            start = min(start, duration - SHORTEST)
            end = start + SHORTEST
        return start, end


def _number(value: Any) -> Optional[float]:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else None
