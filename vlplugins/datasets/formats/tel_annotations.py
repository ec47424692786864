"""The annotation files of Temporal Emotion Localization as they are released, with all that is irregular in them."""

import difflib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np

from vlplugins.datasets.formats.subtitles import clean_subtitle
from vlplugins.datasets.formats.tel_emotion_words import TEL_CLASSES
from vlplugins.utils.records import RecordError

REPOSITORY = 'github.com/YYJMJC/Temporal-Emotion-Localization-in-Videos'
# Files write these two otherwise than the paper; white space and case are removed before.
ALIASES = dict(confident='confidence')
_CLOCK = r'(\d{2}):([0-5]\d):([0-5]\d)\.(\d{3})'
_RANGE = re.compile(rf'{_CLOCK}-->{_CLOCK}')
_EXPECTED = '{movie: {clip: {"emo": ..., "time" or "dialog_name": [...], "dialog": [...]}}}'


class TELFile:
    """Clips of ``train.json``, ``test.json``, or of the file that ``tools/dataset_converters/tel.py`` writes.

    A clip is ``dict(video_id, imdb, clip, times, subtitles, labels, label_counts, segments)``: ``times`` float32
    ``[N, 2]`` in seconds from the start of the clip, ``labels`` class numbers, ``label_counts`` their counts,
    ``segments`` ``{class number: sorted line numbers}``, or ``None`` where the file has no boundaries or they are not
    asked for. Lines keep their number whatever is in them: labels belong to numbers, as two lines may have one time.

    Args:
        path: The file.
        with_segments: Read the boundaries, which must be there.
        check_times: Also compare the times that emotions repeat with those of their lines.

    Raises:
        FileNotFoundError: no such file.
        RecordError: malformed JSON, an unknown emotion, lists of different lengths, a time that is none, an end before
            its start, a line number that does not exist, or no boundaries where they are asked for.
    """

    def __init__(self, path: Union[str, Path], with_segments: bool = False, check_times: bool = False) -> None:
        self.path, self.with_segments, self.check_times = Path(path), with_segments, check_times
        self.report: Counter = Counter()
        self.metainfo: Dict[str, Any] = {}
        self.clips = self._read()

    def _read(self) -> List[Dict[str, Any]]:
        if not self.path.is_file():
            raise FileNotFoundError(f'no such annotations: {self.path}; the authors release them at {REPOSITORY}')
        try:
            content = json.loads(self.path.read_text(encoding='utf-8-sig'))
        except json.JSONDecodeError as error:
            where = f'line {error.lineno}, column {error.colno}'
            raise RecordError(self.path, f'no JSON ({error.msg})', 'annotations in JSON', where) from None
        if isinstance(content, dict) and isinstance(content.get('data_list'), list):
            self.metainfo = dict(content.get('metainfo', {}))
            clips = [self._from_converted(entry) for entry in content['data_list']]
        elif isinstance(content, dict) and all(isinstance(each, dict) for each in content.values()):
            pairs = [(movie, clip, each) for movie, clips in content.items() for clip, each in clips.items()]
            clips = [self._from_released(movie, clip, each) for movie, clip, each in pairs]
        else:
            raise RecordError(self.path, f'a JSON {type(content).__name__} of another layout', _EXPECTED)
        self.report['movies'] = len({clip['imdb'] for clip in clips if clip})
        return [clip for clip in clips if clip]

    def _from_released(self, movie: str, clip: str, entry: Any) -> Optional[Dict[str, Any]]:
        record = f'{movie}/{clip}'
        if not isinstance(entry, dict) or not isinstance(entry.get('emo'), dict) or 'dialog' not in entry:
            raise RecordError(self.path, repr(entry)[:80], _EXPECTED, record)
        # The times of all lines are called dialog_name in the test file.
        stamps = entry.get('time', entry.get('dialog_name'))
        if stamps is None:
            raise RecordError(self.path, f'the keys {sorted(entry)}', 'time or dialog_name', record)
        dialog = entry['dialog']
        if len(stamps) != len(dialog):
            raise RecordError(self.path, f'{len(stamps)} times and {len(dialog)} lines', 'one for each', record)
        if not dialog or not entry['emo']:
            self.report['clips without lines' if not dialog else 'clips without emotions'] += 1
            return None
        labels, counts, segments = [], [], {}
        for name, value in entry['emo'].items():
            label = self._class_number(name, record)
            labels.append(label)
            counts.append(value if isinstance(value, int) else 1)
            lines = self._lines(value, stamps, name, record)
            if lines is not None:
                segments[label] = lines
        self._check_labels(labels, record)
        return self._finish(movie, clip, self._times(stamps, record), list(dialog), labels, counts, segments)

    def _from_converted(self, entry: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        record = str(entry.get('video_id'))
        missing = [key for key in ('video_id', 'times', 'subtitles', 'labels') if key not in entry]
        if missing:
            raise RecordError(self.path, f'an entry without {missing}', 'an entry of a clip', record)
        times = np.asarray(entry['times'], dtype=np.float32).reshape(-1, 2)
        if len(times) != len(entry['subtitles']):
            found = f'{len(times)} times and {len(entry["subtitles"])} lines'
            raise RecordError(self.path, found, 'one for each', record)
        segments = {}
        if self.with_segments:
            for name, lines in (entry.get('segments') or {}).items():
                segments[self._class_number(name, record)] = self._check_lines(lines, len(times), name, record)
        movie, _, clip = record.rpartition('/')
        counts = entry.get('label_counts') or [1] * len(entry['labels'])
        return self._finish(movie, clip, times, entry['subtitles'], list(entry['labels']), counts, segments)

    def _finish(
        self, movie: str, clip: str, times: np.ndarray, lines: List[str], labels: List[int], counts: List[int],
        segments: Dict[int, List[int]],
    ) -> Dict[str, Any]:  # fmt: skip
        record = f'{movie}/{clip}'
        if self.with_segments and set(segments) != set(labels):
            raise RecordError(
                self.path, 'an emotion without line numbers', 'boundaries, as test.json has them, to learn from or to '
                'judge by; for labels of clips alone set require_segments=False', record
            )  # fmt: skip
        self._count(times, lines, labels)
        return dict(
            video_id=record,
            imdb=movie,
            clip=clip,
            times=times,
            subtitles=lines,
            labels=labels,
            label_counts=[int(count) for count in counts],
            segments=segments if self.with_segments else None,
        )

    def _class_number(self, name: str, record: str) -> int:
        plain = name.strip().lower()
        if plain != name or plain in ALIASES:
            self.report['names mended'] += 1
        plain = ALIASES.get(plain, plain)
        if plain not in TEL_CLASSES:
            close = difflib.get_close_matches(plain, TEL_CLASSES, n=1, cutoff=0.0)
            raise RecordError(self.path, f'the emotion {name!r}', f'one of 18; did you mean {close[0]!r}?', record)
        return TEL_CLASSES.index(plain)

    def _check_labels(self, labels: Sequence[int], record: str) -> None:
        if len(set(labels)) != len(labels):
            twice = [TEL_CLASSES[label] for label in set(labels) if labels.count(label) > 1]
            raise RecordError(self.path, f'{twice[0]} under two names', 'each emotion once', record)

    def _lines(self, value: Any, stamps: Sequence[str], name: str, record: str) -> Optional[List[int]]:
        if not isinstance(value, dict) or 'segment' not in value:
            return None
        if not self.with_segments:
            self.report['boundaries not used'] += 1
            return None
        lines = self._check_lines(value['segment'], len(stamps), name, record)
        self.report['line numbers not sorted'] += list(value['segment']) != sorted(value['segment'])
        if self.check_times and 'time' in value:
            expected = [stamps[line] for line in value['segment']]
            if list(value['time']) != expected:
                raise RecordError(self.path, f'{name}: {value["time"]}', f'the times of its lines, {expected}', record)
        return lines

    def _check_lines(self, lines: Sequence[int], total: int, name: str, record: str) -> List[int]:
        wrong = [line for line in lines if not isinstance(line, int) or not 0 <= line < total]
        if wrong:
            raise RecordError(self.path, f'{name}: line {wrong[0]}', f'a number from 0 to {total - 1}', record)
        return sorted(set(lines))

    def _times(self, stamps: Sequence[str], record: str) -> np.ndarray:
        times = np.zeros((len(stamps), 2), dtype=np.float32)
        for line, stamp in enumerate(stamps):
            start, end = parse_time_range(stamp) or (None, None)
            if start is None or end < start:
                what = 'HH:MM:SS.mmm-->HH:MM:SS.mmm' if start is None else 'an end that is not before the start'
                raise RecordError(self.path, f'{stamp!r} in line {line}', what, record)
            times[line] = start, end
        return times

    def _count(self, times: np.ndarray, lines: Sequence[str], labels: Sequence[int]) -> None:
        report = self.report
        report['clips'] += 1
        report['lines'] += len(lines)
        report['pairs of clip and emotion'] += len(labels)
        report['lines without length'] += int((times[:, 0] == times[:, 1]).sum())
        report['lines at the time of the line before'] += int((times[1:] == times[:-1]).all(axis=1).sum())
        report['lines below 0.2 s'] += int((np.diff(times.astype(np.float64), axis=1) < 0.2 - 1e-6).sum())
        report['empty lines'] += sum(not clean_subtitle(line) for line in lines)
        report['lines with tags'] += sum('<' in line for line in lines)
        report['lines that are not ASCII'] += sum(not line.isascii() for line in lines)

    def summary(self) -> str:
        """One line: what there is, and what was irregular."""
        parts = [f'{count:,} {what}' for what, count in self.report.items() if count]
        return f'{self.path}: {", ".join(parts)}'


def parse_time_range(stamp: Any) -> Optional[Tuple[float, float]]:
    """Start and end in seconds of ``HH:MM:SS.mmm-->HH:MM:SS.mmm``; ``None`` for anything else."""
    found = _RANGE.fullmatch(stamp.strip()) if isinstance(stamp, str) else None
    if found is None:
        return None
    hours, minutes, seconds, milli = (np.array(found.groups()[part::4], dtype=np.int64) for part in range(4))
    start, end = (3_600_000 * hours + 60_000 * minutes + 1000 * seconds + milli) / 1000
    return float(start), float(end)
