import numpy as np
import pytest

from tests.helpers.records import refused
from tests.helpers.violin import CLIP, record, write
from vlplugins.datasets.formats.violin_annotations import (
    ViolinFile,
    clean_statement,
    key_of,
    read_statement_types,
    show_of,
)


@pytest.mark.parametrize(
    'text, expected',
    [
        ("Don't you think she's (really) there?", "do n't you think she 's really there"),
        ("Wait... I'll call; it's 9:30!", "wait . i 'll call it 's 9 : 30 !"),
        ('♪ [sighs] ♪', 'sighs'),
        ('??', ''),
    ],
)
def test_statements_are_cleaned_as_by_the_authors(text, expected):
    assert clean_statement(text) == expected
    assert clean_statement(expected) == expected


def read(tmp_path, content, **options):
    return ViolinFile(write(tmp_path / 'violin_annotation.json', content), **options)


def test_a_clip_is_read(tmp_path):
    file = read(tmp_path, {CLIP: record()})
    (clip,) = file.clips
    assert clip['clip_id'] == CLIP and clip['source'] == 'dh' and clip['duration'] == 16.0
    assert clip['lines'] == ['i want coffee', 'i want money']
    np.testing.assert_allclose(clip['times'], [[0.5, 3.5], [4.5, 7.5]])
    assert list(file.statements.items())[1] == (key_of(CLIP, 0, 1), 'the man closes it .')
    assert '1 train, 0 validate' in file.summary()


@pytest.mark.parametrize('line', [['a', 1, 2], ['a', [1, 2]], dict(text='a', start=1, end=2)])
def test_three_shapes_of_lines_are_the_same(line, tmp_path):
    (clip,) = read(tmp_path, {CLIP: record(sub=[line])}).clips
    assert clip['lines'] == ['a'] and clip['times'].tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize('line', [['a'], ['a', 1], 'a', [1, 2, 3], ['a', 'x', 2], dict(text='a'), None])
def test_other_lines_are_refused(line, tmp_path):
    with refused(f'{CLIP}, sub 1'):
        read(tmp_path, {CLIP: record(sub=[['a', 0, 1], line])})


def test_odd_times_are_mended_and_counted(tmp_path):
    lines = [['a', 3, 1], ['b', 4, 99], ['c', None, None], ['d', float('nan'), 2]]
    file = read(tmp_path, {CLIP: record(sub=lines)})
    times = file.clips[0]['times']
    assert times[0].tolist() == [1, 3] and times[1].tolist() == [4, 16] and np.isnan(times[2:]).all()
    assert file.report['lines with reversed times'] == 1 and file.report['lines beyond the clip'] == 1
    assert file.report['lines without times'] == 2 and '2 lines without times' in file.summary()


@pytest.mark.parametrize('key', ['split', 'sub', 'statement'])
def test_a_record_without_a_key_is_refused(key, tmp_path):
    content = record()
    del content[key]
    with refused(f'{CLIP}.*without {key!r}'):
        read(tmp_path, {CLIP: content})


def test_the_three_splits_are_named(tmp_path):
    with refused("'val'.*'train', 'validate', 'test'"):
        read(tmp_path, {CLIP: record(split='val')})


PAIR = ['He sits.', 'He runs.']


@pytest.mark.parametrize(
    'pairs, match',
    [([PAIR, PAIR], '2 pairs'), ([PAIR, PAIR, ['He sits.']], 'pair 2'), ([PAIR, ['He sits.', ' ?'], PAIR], 'pair 1')],
)
def test_statements_must_be_three_pairs(pairs, match, tmp_path):
    content = {CLIP: record(statement=pairs), 'other': record(file='other')}
    with refused(match):
        read(tmp_path, content)
    file = read(tmp_path, content, strict=False)
    assert [clip['clip_id'] for clip in file.clips] == ['other'] and file.left_out.total == 1


def test_equal_statements_are_kept_and_counted(tmp_path):
    file = read(tmp_path, {CLIP: record(statement=[PAIR, PAIR, ['He sits.', 'he sits .']])})
    assert len(file.clips) == 1 and file.report['pairs of equal statements'] == 1


def test_a_clip_twice_and_broken_json_are_refused(tmp_path):
    path = tmp_path / 'a.json'
    path.write_text('{"x": 1, "x": 2}')
    with refused('record x.*twice'):
        ViolinFile(path)
    path.write_text('{"x": ')
    with refused('line 1'):
        ViolinFile(path)
    with pytest.raises(FileNotFoundError):
        ViolinFile(tmp_path / 'none.json')


def test_a_clip_in_two_splits_is_refused(tmp_path):
    # Two records by their keys, one clip by its file.
    with refused("record y: found the clip of record 'x' again"):
        read(tmp_path, {'x': record(), 'y': record(file=f' {CLIP} ', split='test')})
    assert [clip['clip_id'] for clip in read(tmp_path, {'x': record(file='')}).clips] == ['x']


def test_shows_and_lengths_follow_from_names(tmp_path):
    assert show_of('gt3ntYidpvs_clip_000_040') == 'movieclips' and show_of('what') == 'other'
    names = {'gt3ntYidpvs_clip_000_040': 40, 'what': 7.5}
    file = read(tmp_path, {f' {name}': record(file=f' {name} ') for name in names})
    assert {clip['clip_id']: clip['duration'] for clip in file.clips} == names
    assert read(tmp_path, {CLIP: record(span=[2, 12])}).clips[0]['duration'] == 10


def test_kinds_of_statements(tmp_path):
    path = write(tmp_path / 'types.json', {'c': [['a', 'a'], ['a', ['a', 'b']], ['b', 'b']]})
    assert read_statement_types(path, ['c'], ('a', 'b'))['c'][1] == (['a'], ['a', 'b'])
    with refused(r"'b'.*one of \('a',\)"):
        read_statement_types(path, ['c'], ('a',))
    for content in ({}, {'c': [['a', 'a']] * 2}, {'c': [['a', 'a'], ['a', 'a'], ['a']]}, {'c': [['a', 'a'], 'ab', 3]}):
        with refused('record c: .*three pairs'):
            read_statement_types(write(tmp_path / 'types.json', content), ['c'], ('a', 'b'))
    with refused('a JSON list'):
        read_statement_types(write(tmp_path / 'types.json', []), ['c'], ('a', 'b'))
