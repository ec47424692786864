import logging
from collections import Counter

import pytest

from tests.helpers.grounding import REAL_ACTIVITYNET, REAL_CHARADES, annotations, write
from tests.helpers.records import refused
from vlplugins.datasets.formats import compositional_annotations
from vlplugins.datasets.formats.compositional_annotations import SPLITS, CompositionalFile


def read(tmp_path, content, **options):
    return CompositionalFile(write(tmp_path / 'x.json', content), **options)


def test_queries_by_hand(tmp_path):
    file = read(tmp_path, annotations())
    assert [(q['video_id'], q['number'], q['sentence'], q['segment'], q['duration']) for q in file.queries] == [
        ('v1', 0, 'person opens the door.', (1.5, 6.0), 20.0),
        ('v2', 0, 'A dog runs.', (0.0, 4.0), 10.0),
        ('v2', 1, 'a cat sits.', (3.5, 9.0), 10.0),
    ]
    assert list(file.sentences) == ['v1#0', 'v2#0', 'v2#1'] and file.report == dict(videos=2, queries=3)


def test_tags_belong_to_their_sentence(tmp_path):
    novels = [{'v-n': [['run', 'dog']], 'p-n': [['on', 'mat']]}, {}]
    assert [q['novel'] for q in read(tmp_path, {'v2': annotations(novels=novels)['v2']}).queries] == novels


@pytest.mark.parametrize(
    'times, segment, is_test, reason',
    [
        ([2, 11.5], (2.0, 10.0), False, 'segments clamped'),
        ([-1, 3], (0.0, 3.0), False, 'segments clamped'),
        ([6, 3], (3.0, 6.0), False, 'reversed segments turned'),
        ([4, 4], None, False, 'segments without length left out'),
        ([4, 4], (4.0, 4.01), True, 'segments without length widened'),
        ([10, 12], None, True, 'segments after the end left out'),
    ],
)
def test_irregular_segments_are_mended_and_counted(tmp_path, times, segment, is_test, reason):
    content = annotations()
    content['v2']['timestamps'][1] = times
    file = read(tmp_path, content, is_test=is_test)
    assert file.report[reason] == 1 and reason in file.summary()
    found = [q['segment'] for q in file.queries if q['sentence'] == 'a cat sits.']
    assert found == ([] if segment is None else [pytest.approx(segment)])


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(timestamps=[[0, 4]]), 'record v2: found 2 sentences, 1 timestamps, 2 tags'),
        (dict(novels=[{}]), '2 sentences, 2 timestamps, 1 tags'),
        (dict(duration=0), 'record v2: found the duration 0'),
        (dict(duration=float('nan')), 'the duration nan'),
        (dict(timestamps=[[0, 4], [1]]), r'record v2#1: found the timestamps \[1\]'),
        (dict(timestamps=[[0, 4], [1, 'x']]), 'timestamps'),
        (dict(sentences=['a', 5]), 'record v2#1: found the sentence 5'),
        (dict(novels=[{}, {'v-v': [['a', 'b']]}]), "type 'v-v'; expected one of .*v-adv"),
        (dict(novels=[{}, 3]), 'tags 3'),
    ],
)
def test_bad_records_are_named(tmp_path, changes, message):
    content = annotations()
    content['v2'].update(changes)
    with refused(message) as caught:
        read(tmp_path, content)
    assert 'x.json' in str(caught.value)


def test_start_after_the_end_is_an_error_where_it_is_asked(tmp_path):
    content = annotations()
    content['v2']['timestamps'][1] = [10, 12]
    with refused('record v2#1: found a start at 10'):
        read(tmp_path, content, strict=True)


def test_blank_sentences_are_left_out_in_training_and_refused_in_a_test(tmp_path):
    content = annotations()
    content['v2']['sentences'][0] = '  '
    file = read(tmp_path, content)
    # The other sentence keeps its number.
    assert file.report['blank sentences left out'] == 1 and file.queries[1]['number'] == 1
    with refused('record v2#0: found a blank sentence'):
        read(tmp_path, content, is_test=True)


def test_unknown_part_of_speech_is_a_warning(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(compositional_annotations, 'print_log', lambda text, *_, level: told.append((text, level)))
    read(tmp_path, annotations(news=[{'XYZ': ['dog']}, {'NOUN': ['cat']}]))
    ((message, level),) = told
    assert "record v2#0: unknown part of speech 'XYZ'" in message and level == logging.WARNING


def test_missing_files_and_other_json(tmp_path):
    with pytest.raises(FileNotFoundError, match='authors release'):
        CompositionalFile(tmp_path / 'none.json')
    for content in ([1], {'v': [1]}):
        with refused('another layout'):
            read(tmp_path, content)
    with refused("no key 'duration'"):
        read(tmp_path, {'v': dict(sentences=[], timestamps=[])})


COUNTS = {
    REAL_CHARADES: [(3555, 8281), (1689, 3096), (2480, 3442), (580, 695)],
    REAL_ACTIVITYNET: [(9659, 36724), (4775, 15712), (4202, 12028), (1991, 3920)],
}
TAGS = {
    REAL_CHARADES: {'v-adv': 2105, 'v-n': 2055, 'p-n': 1182, 'n-n': 80, 'a-n': 23},
    REAL_ACTIVITYNET: {'v-n': 12681, 'v-adv': 2974, 'p-n': 2837, 'n-n': 2695, 'a-n': 2487},
}


@pytest.mark.parametrize('folder', COUNTS, ids=lambda folder: folder.name)
def test_released_files(folder):
    if not folder.is_dir():
        pytest.skip('the released annotations are not here')
    files = {split: CompositionalFile(folder / f'{split}.json', is_test=split != 'train') for split in SPLITS}
    for split, (videos, queries) in zip(SPLITS, COUNTS[folder]):
        report = files[split].report
        left_out = sum(count for name, count in report.items() if name.endswith('left out'))
        assert (report['videos'], report['queries'] + left_out) == (videos, queries)
    tags = Counter()
    for query in files['novel_composition'].queries:
        tags.update({kind: len(pairs) for kind, pairs in query['novel'].items()})
    assert tags == TAGS[folder]
    videos = {split: {query['video_id'] for query in file.queries} for split, file in files.items()}
    assert not any(videos['train'] & videos[split] for split in SPLITS[1:])
    clamped = [files[split].report['segments clamped'] for split in SPLITS]
    if folder == REAL_CHARADES:
        assert clamped == [1255, 412, 452, 109]
    else:
        assert files['train'].report['reversed segments turned'] == 2
        assert files['train'].report['segments without length left out'] == 2
        keys = [{(q['video_id'], q['sentence']) for q in files[split].queries} for split in SPLITS[2:]]
        assert len(keys[0] & keys[1]) == 1724
