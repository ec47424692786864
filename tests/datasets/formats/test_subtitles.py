import logging

import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats import subtitles
from vlplugins.datasets.formats.subtitles import clean_subtitle, fix_mojibake, read_subtitles

pytest.importorskip('pysubs2')

SRT = """1
00:00:01,000 --> 00:00:02,500
Where are they?

2
00:00:03,000 --> 00:00:04,000
<i>I don't know.</i>
- Look there!
"""
VTT = """WEBVTT

00:01.000 --> 00:02.500
Where are they?

intro
00:00:03.000 --> 00:00:04.000 align:start
I don't know.
"""


@pytest.mark.parametrize(
    'text, expected',
    [
        ('- Hello,   <i>you</i> ', 'Hello, you'),
        ('caf\u00c3\u00a9', 'café'),
        ('\u00e2\u0099\u00aa la la \u00e2\u0099\u00aa', 'la la'),
        ('don\u00c2\u00b4t', "don't"),
        ('don\x92t', "don't"),
        ('café', 'café'),
        ('“So it ‘is’”', '"So it \'is\'"'),
        ('<i></i> ', ''),
        ('3 < 4 and 5', '3 < 4 and 5'),
    ],
)
def test_text_is_cleaned(text, expected):
    assert clean_subtitle(text) == expected


def test_mending_can_be_switched_off():
    assert clean_subtitle('caf\u00c3\u00a9 <b>x</b>', strip_tags=False, mojibake=False) == 'caf\u00c3\u00a9 <b>x</b>'
    assert fix_mojibake('Привет') == 'Привет' and fix_mojibake('\x81') == '\x81'


@pytest.fixture
def warnings(monkeypatch):
    logged = []
    monkeypatch.setattr(subtitles, 'print_log', lambda text, _, level: logged.append((text, level)))
    return logged


def write(folder, name, text, encoding='utf-8'):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_srt_vtt_and_json_give_the_same_cues(tmp_path, warnings):
    first = read_subtitles(write(tmp_path, 'a.srt', SRT))
    assert [(cue['start'], cue['end']) for cue in first] == [(1.0, 2.5), (3.0, 4.0)]
    assert first[0]['text'] == 'Where are they?' and 'Look there!' in first[1]['text']
    second = read_subtitles(write(tmp_path, 'a.vtt', VTT))
    assert [(cue['start'], cue['end']) for cue in second] == [(1.0, 2.5), (3.0, 4.0)]
    third = read_subtitles(write(tmp_path, 'a.json', '[{"start": 1, "end": 2.5, "text": "x"}]'))
    assert third == [dict(start=1.0, end=2.5, text='x')]
    assert warnings == []


def test_encodings_and_line_ends_of_other_systems(tmp_path, warnings):
    windows = SRT.replace('they', 'élèves').replace('\n', '\r\n')
    for encoding in ('utf-8-sig', 'cp1252'):
        assert 'élèves' in read_subtitles(write(tmp_path, 'a.srt', windows, encoding))[0]['text']


def test_irregular_cues_work_with_one_warning(tmp_path, warnings):
    irregular = (
        '7\n00:00:05,000 --> 00:00:09,000\nLater.\n\n'
        '7\n00:00:01,000 --> 00:00:06,000\nOver it.\n\n'
        'x\n00:00:10,000 --> 00:00:11,000\n\n\n'
    )
    cues = read_subtitles(write(tmp_path, 'a.srt', irregular))
    assert [cue['start'] for cue in cues] == [1.0, 5.0, 10.0] and cues[2]['text'].strip() == ''
    ((text, level),) = warnings
    assert level == logging.WARNING and 'of 3 cues' in text
    for part in ('1 out of order', '1 overlapping', '1 empty', '3 not numbered from 1 on'):
        assert part in text
    read_subtitles(tmp_path / 'a.srt', quiet=True)
    assert len(warnings) == 1


@pytest.mark.parametrize(
    'name, text, message',
    [
        ('a.srt', SRT.replace('00:00:03,000', '00:oo:03'), 'cannot be read in line 6'),
        ('a.srt', SRT.replace('00:00:04,000', '00:00:02,000'), 'record 2: found 3.000 s to 2.000 s'),
        ('a.srt', 'no subtitles here', 'no cue'),
        ('a.srt', '', 'no cue'),
        ('a.vtt', 'WEBVTT\n', 'no cue'),
        ('a.txt', SRT, r"the ending '.txt'"),
        ('a.json', '[{"start": 1}]', 'record 1'),
        ('a.json', '[{"start": 1, "end": NaN, "text": "a"}]', 'record 1: found 1.000 s to nan s'),
        ('a.json', '{"start": 1}', 'a JSON dict'),
        ('a.json', '[{"start": 1,}]', 'line 1'),
    ],
)
def test_what_cannot_be_read_is_a_clear_error(tmp_path, warnings, name, text, message):
    with refused(f'{name}.*{message}'):
        read_subtitles(write(tmp_path, name, text))


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='no such subtitles'):
        read_subtitles(tmp_path / 'a.srt')
