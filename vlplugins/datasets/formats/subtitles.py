"""Subtitles: reading their files, and cleaning their text."""

import json
import logging
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence, Union

from mmengine.logging import print_log

from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError

SUBTITLE_EXTENSIONS = ('.srt', '.vtt', '.json')
_TAG = re.compile(r'<[^<>]*>')
_NOTES = re.compile('[♩♪♫♬]')
_LEADING_DASH = re.compile(r'^\s*[-–—]\s*')
_QUOTES = str.maketrans({'´': "'", '‘': "'", '’': "'", '`': "'", '“': '"', '”': '"'})
_EXPECTED = 'cues of subtitles'


def fix_mojibake(text: str) -> str:
    """Undo the reading of UTF-8, else of Windows-1252, as Latin-1; other text is left alone."""
    try:
        raw = text.encode('latin-1')
    except UnicodeEncodeError:
        return text
    for encoding in ('utf-8', 'cp1252'):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return text


def clean_subtitle(text: str, strip_tags: bool = True, mojibake: bool = True) -> str:
    """Plain text of a subtitle: mended characters, straight quotes, no tags, notes or leading dash, single spaces."""
    text = fix_mojibake(text) if mojibake else text
    text = text.translate(_QUOTES)
    if strip_tags:
        text = _TAG.sub('', text)
    return ' '.join(_LEADING_DASH.sub('', _NOTES.sub(' ', text).strip()).split())


def read_subtitles(path: Union[str, Path], quiet: bool = False) -> List[Dict[str, Any]]:
    """Cues ``dict(start, end, text)`` of an ``.srt``, ``.vtt`` or ``.json`` file, by their start in seconds.

    A JSON file is a list of such dicts. Cues that overlap, are out of order, empty or wrongly numbered are used, and
    counted in one warning, which ``quiet`` leaves out: out of order they are sorted, empty ones stay as lines without
    words.

    Raises:
        FileNotFoundError: no such file.
        RecordError: another kind of file, no cue, a time that cannot be read, or an end before its start.
        ImportError: pysubs2 is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f'no such subtitles: {path}')
    if path.suffix.lower() not in SUBTITLE_EXTENSIONS:
        raise RecordError(path, f'the ending {path.suffix!r}', f'one of {SUBTITLE_EXTENSIONS}')
    cues = _read_json(path) if path.suffix.lower() == '.json' else _read_cues(path)
    if not cues:
        raise RecordError(path, 'no cue', _EXPECTED)
    cues = check_cues(cues, path)
    ordered = sorted(cues, key=lambda cue: cue['start'])
    if not quiet:
        _warn(path, cues, ordered)
    return ordered


def check_cues(cues: Sequence[Any], source: Union[str, Path]) -> List[Dict[str, Any]]:
    """Cues, in their order, as ``dict(start, end, text)`` with seconds as floats.

    Args:
        cues: What should be such dicts.
        source: File or name of the clip, for the message.

    Raises:
        RecordError: something else, times that are not finite, a negative start, or an end before the start.
    """
    found = []
    for number, cue in enumerate(cues, 1):
        try:
            one = dict(start=float(cue['start']), end=float(cue['end']), text=str(cue['text']))
        except (TypeError, KeyError, ValueError):
            raise RecordError(source, repr(cue)[:80], 'dict(start, end, text)', number) from None
        if not 0 <= one['start'] <= one['end'] < math.inf:
            raise RecordError(source, f'{one["start"]:.3f} s to {one["end"]:.3f} s', 'a start before the end', number)
        found.append(one)
    return found


def _read_text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode('utf-8-sig')
    except UnicodeDecodeError:
        return raw.decode('cp1252', errors='replace')


def _read_cues(path: Path) -> List[Dict[str, Any]]:
    pysubs2 = require('pysubs2', 'the reader of subtitles')
    text = _read_text(path)
    arrows = [(number, line) for number, line in enumerate(text.splitlines(), 1) if '-->' in line]
    if not arrows:
        return []
    try:
        events = pysubs2.SSAFile.from_string(text, format_=path.suffix[1:].lower()).events
    except Exception as error:  # the library raises many kinds
        raise RecordError(path, f'no subtitles ({type(error).__name__}: {error})', _EXPECTED) from None
    if len(events) != len(arrows):
        raise RecordError(path, _unread(arrows), f'{_EXPECTED}, 00:00:01,000 --> 00:00:02,500')
    return [dict(start=each.start / 1000, end=each.end / 1000, text=each.plaintext) for each in events]


_TIME = r'(\d+:)?\d{1,2}:\d{1,2}[.,]\d{1,3}'
_TIMES = re.compile(rf'^\s*{_TIME}\s*-->\s*{_TIME}(\s|$)')


def _unread(arrows: List[tuple]) -> str:
    """The first line of times that no cue was made of."""
    wrong = [(number, line) for number, line in arrows if not _TIMES.match(line)]
    number, line = (wrong or arrows)[0]
    return f'times that cannot be read in line {number}, {line.strip()!r}'


def _read_json(path: Path) -> List[Any]:
    try:
        content = json.loads(_read_text(path))
    except json.JSONDecodeError as error:
        raise RecordError(path, f'no JSON ({error.msg})', _EXPECTED, f'line {error.lineno}') from None
    if not isinstance(content, list):
        raise RecordError(path, f'a JSON {type(content).__name__}', 'a list of dict(start, end, text)')
    return content


def _warn(path: Path, cues: List[Dict[str, Any]], ordered: List[Dict[str, Any]]) -> None:
    found = Counter()
    found['out of order'] = sum(one['start'] > two['start'] for one, two in zip(cues, cues[1:]))
    found['overlapping'] = sum(one['end'] > two['start'] for one, two in zip(ordered, ordered[1:]))
    found['empty'] = sum(not clean_subtitle(cue['text']) for cue in cues)
    if path.suffix.lower() == '.srt':
        numbers = re.findall(r'^\s*(\d+)[ \t]*\r?\n[^\n]*-->', _read_text(path), re.MULTILINE)
        found['not numbered from 1 on'] = len(cues) - sum(int(n) == i for i, n in enumerate(numbers, 1))
    parts = [f'{count} {what}' for what, count in found.items() if count]
    if parts:
        print_log(f'{path}: of {len(cues)} cues {", ".join(parts)}', 'current', level=logging.WARNING)
