import json
import logging

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from tests.helpers.tel import REAL, STAMPS, boundary_content, train_content, write
from vlplugins.datasets import TELDataset
from vlplugins.datasets.formats.tel_annotations import TELFile, parse_time_range
from vlplugins.datasets.formats.tel_emotion_words import EMOTION_WORDS, TEL_CLASSES, class_of_word

needs_real = pytest.mark.skipif(not REAL.is_dir(), reason='the released annotations are not here')


def test_classes_are_18_names_in_the_order_of_the_supplementary():
    assert len(TEL_CLASSES) == len(set(TEL_CLASSES)) == 18
    assert not any(name != name.strip() for name in TEL_CLASSES)
    assert TEL_CLASSES[0] == 'affection' and TEL_CLASSES[4] == 'confidence' and TEL_CLASSES[-1] == 'peace'


def test_words_are_239_and_the_first_class_of_one_that_stands_twice_counts():
    words = [word for each in EMOTION_WORDS.values() for word in each]
    assert len(words) == 239 and [word for word in set(words) if words.count(word) > 1] == ['vengeful']
    assert class_of_word(' Vengeful ') == 'anger' and class_of_word('in pain') == 'suffering'
    with pytest.raises(KeyError, match="'hangry' is not among the 239 words"):
        class_of_word('hangry')


@pytest.mark.parametrize(
    'stamp, expected',
    [
        ('00:01:21.720-->00:01:22.845', (81.72, 82.845)),
        ('01:00:00.001-->01:00:00.001', (3600.001, 3600.001)),
        ('00:01:21,720-->00:01:22,845', None),
        ('00:61:21.720-->00:01:22.845', None),
        (None, None),
    ],
)
def test_times(stamp, expected):
    assert parse_time_range(stamp) == expected


def make(tmp_path, content, **options):
    options = dict(dict(modalities=()), **options)
    return TELDataset(ann_file=write(tmp_path / 'x.json', content), **options)


def test_training_records_have_labels_counts_and_every_line(tmp_path):
    dataset = make(tmp_path, train_content())
    record = dataset.get_data_info(0)
    assert record['video_id'] == 'tt01/scene-001.ss-0001.es-0002' and 'gt_segments' not in record
    assert np.flatnonzero(record['gt_labels']).tolist() == [3, 4]
    assert record['gt_label_counts'][[3, 4]].tolist() == [2, 1]
    # Empty lines keep their number.
    assert record['subtitles'][2] == '' and record['times'].shape == (4, 2)
    assert record['times'][1].tolist() == [2.0, 3.5]


def test_boundaries_are_sets_of_line_numbers(tmp_path):
    record = make(tmp_path, boundary_content(), test_mode=True).get_data_info(0)
    assert np.flatnonzero(record['gt_segments'][:, 3]).tolist() == [1, 3]
    assert record['gt_segments'].sum() == 2


def test_labels_belong_to_line_numbers_also_where_two_lines_have_one_time(tmp_path):
    stamps = [STAMPS[0], STAMPS[1], STAMPS[1], STAMPS[2]]
    emotion = dict(time=[STAMPS[1]], dialog=[''], segment=[2])
    record = make(tmp_path, boundary_content(emo=dict(anger=emotion), dialog_name=stamps), test_mode=True)
    assert record.get_data_info(0)['gt_segments'][:, 1].tolist() == [False, False, True, False]


def message(tmp_path, content, **options):
    with refused() as caught:
        make(tmp_path, content, **options)
    assert 'x.json' in str(caught.value)
    return str(caught.value)


def test_bad_records_name_file_clip_and_what_is_wrong(tmp_path):
    found = message(tmp_path, train_content(emo={'angr': 1}))
    assert 'tt01/scene-001' in found and "'angr'" in found and "did you mean 'anger'?" in found
    found = message(tmp_path, train_content(dialog=['a']))
    assert '4 times and 1 lines' in found and 'tt01/scene-001' in found
    found = message(tmp_path, train_content(time=[*STAMPS[:3], '0:1-->0:2']))
    assert "'0:1-->0:2' in line 3" in found and 'HH:MM:SS.mmm' in found
    found = message(tmp_path, train_content(time=[*STAMPS[:3], '00:00:02.000-->00:00:01.000']))
    assert 'in line 3' in found and 'an end that is not before the start' in found
    emotion = dict(time=[], dialog=[], segment=[1, 4])
    found = message(tmp_path, boundary_content(emo=dict(anger=emotion)), test_mode=True)
    assert 'anger: line 4' in found and 'a number from 0 to 3' in found
    found = message(tmp_path, train_content(emo={'aversion ': 1, 'aversion': 1}))
    assert 'aversion under two names' in found
    assert 'another layout' in message(tmp_path, [1, 2])
    assert 'time or dialog_name' in message(tmp_path, {'tt': {'c': dict(emo=dict(anger=1), dialog=['a'])}})


def test_missing_and_malformed_files_are_told(tmp_path):
    with pytest.raises(FileNotFoundError, match='no_such.json; the authors release them at github.com/YYJMJC'):
        TELDataset(ann_file=str(tmp_path / 'no_such.json'), modalities=())
    (tmp_path / 'x.json').write_text('{"a": 1,\n  "b" 2}')
    with refused('x.json, record line 2, column 7'):
        TELDataset(ann_file=str(tmp_path / 'x.json'), modalities=())


def test_points_in_time_are_kept_and_counted(tmp_path):
    stamps = [*STAMPS[:3], '00:00:09.000-->00:00:09.000']
    file = TELFile(write(tmp_path / 'x.json', train_content(time=stamps)))
    assert len(file.clips[0]['times']) == 4 and '1 lines without length' in file.summary()


def test_clips_without_emotions_or_lines_are_skipped_and_counted(tmp_path):
    content = train_content()
    content['tt01']['empty'] = dict(emo={}, time=STAMPS, dialog=['a'] * 4)
    content['tt01']['silent'] = dict(emo=dict(anger=1), time=[], dialog=[])
    file = TELFile(write(tmp_path / 'x.json', content))
    assert len(file.clips) == 1
    assert '1 clips without emotions' in file.summary() and '1 clips without lines' in file.summary()


def test_boundaries_in_a_training_file_are_not_used_and_one_warning_says_so(tmp_path, monkeypatch):
    logged = []
    monkeypatch.setattr('vlplugins.datasets.tel.print_log', lambda text, _, level: logged.append((text, level)))
    dataset = make(tmp_path, boundary_content())
    assert 'gt_segments' not in dataset.get_data_info(0)
    (line,) = logged
    assert '1 boundaries not used' in line[0] and line[1] == logging.WARNING


def test_a_set_without_boundaries_cannot_be_judged_by_them(tmp_path):
    assert 'boundaries' in message(tmp_path, train_content(), test_mode=True)
    assert len(make(tmp_path, train_content(), test_mode=True, require_segments=False)) == 1


def test_films_are_chosen_and_left_out(tmp_path):
    content = {**train_content(), 'tt03': train_content()['tt01']}
    assert len(make(tmp_path, content)) == 2
    for options in (dict(movies=['tt03']), dict(exclude_movies=['tt01'])):
        assert make(tmp_path, content, **options).get_data_info(0)['video_id'].startswith('tt03/')
    with pytest.raises(ValueError, match="no film tt9; it has \\['tt01', 'tt03'\\]"):
        make(tmp_path, content, movies=['tt9'])


def test_missing_feature_files_are_listed(tmp_path):
    content = {f'tt{film}': train_content()['tt01'] for film in range(7)}
    with refused() as caught:
        make(tmp_path, content, modalities=('text',), data_root=str(tmp_path), data_prefix=dict(text='f'))
    assert '7 of 7 feature files missing' in str(caught.value)
    assert 'tt4.npz' in str(caught.value) and 'tt5.npz' not in str(caught.value)
    assert len(make(tmp_path, content, modalities=('text',), max_missing=7)) == 7


def test_features_of_a_clip_go_through_the_pipeline(tmp_path):
    init_default_scope('vlplugins')
    (tmp_path / 'f').mkdir()
    np.savez(tmp_path / 'f/tt01.npz', **{'scene-001.ss-0001.es-0002': np.ones((4, 9), np.float16)})
    pipeline = [
        dict(type='LoadClipFeatures', modality='text', rescale='sqrt_dim'),
        dict(type='CleanSubtitles'),
        dict(type='PackTemporalInputs', feature_keys=('text',)),
    ]
    options = dict(modalities=('text',), data_root=str(tmp_path), data_prefix=dict(text='f'), pipeline=pipeline)
    write(tmp_path / 'x.json', train_content())
    item = TELDataset(ann_file='x.json', **options)[0]
    assert item['inputs']['text'].shape == (4, 9) and (item['inputs']['text'] == 3).all()
    assert item['data_samples'].subtitles == ['Hi.', 'No!', '', 'Go.']
    assert item['data_samples'].gt_labels.sum() == 2


@needs_real
@pytest.mark.parametrize(
    'name, with_segments, expected',
    [
        ('train', False, dict(movies=38, clips=3561, lines=48908, pairs=11655, repeats=6229, short=500, tags=2821,
                              ascii=1181, empty=1)),
        ('test', True, dict(movies=13, clips=1010, lines=13224, pairs=3003, repeats=1376, short=39, tags=842, ascii=93,
                            empty=3)),
    ],
)  # fmt: skip
def test_released_files_load_as_they_are(name, with_segments, expected):
    file = TELFile(REAL / f'{name}.json', with_segments=with_segments, check_times=True)
    report = file.report
    assert report['movies'] == expected['movies'] and report['clips'] == expected['clips']
    assert report['lines'] == expected['lines'] and report['pairs of clip and emotion'] == expected['pairs']
    assert report['lines at the time of the line before'] == expected['repeats']
    assert report['lines below 0.2 s'] == expected['short'] and report['lines with tags'] == expected['tags']
    assert report['lines that are not ASCII'] == expected['ascii']
    raw = json.loads((REAL / f'{name}.json').read_text())
    counts = [len(clip['dialog']) for clips in raw.values() for clip in clips.values()]
    assert [len(clip['subtitles']) for clip in file.clips] == counts  # nothing is dropped
    assert sum(not line.strip() for clip in file.clips for line in clip['subtitles']) == expected['empty']
    # Times count from the start of the clip, not of the film.
    latest = max(clip['times'].max() for clip in file.clips)
    assert latest == pytest.approx(256.064 if name == 'train' else 152.4, abs=0.1)
    if with_segments:
        assert report['line numbers not sorted'] == 342


@needs_real
def test_released_test_set_has_the_numbers_of_the_supplementary():
    dataset = TELDataset(ann_file=str(REAL / 'test.json'), modalities=(), test_mode=True)
    records = [dataset.get_data_info(index) for index in range(len(dataset))]
    pairs = np.sum([record['gt_labels'] for record in records], axis=0).astype(int).tolist()
    assert pairs == [186, 194, 203, 200, 177, 124, 203, 179, 54, 202, 131, 175, 199, 199, 49, 193, 163, 172]
    from vlplugins.evaluation.functional.temporal import runs_from_mask

    runs = sum(
        len(runs_from_mask(record['gt_segments'][:, label]))
        for record in records
        for label in np.flatnonzero(record['gt_labels'])
    )
    assert runs == 4109
    neighbours = sum(
        int((record['gt_segments'][1:] ^ record['gt_segments'][:-1])[same].sum())
        for record in records
        for same in [(record['times'][1:] == record['times'][:-1]).all(axis=1)]
    )
    assert neighbours == 645  # of lines at one time, one is labelled and the other is not


@needs_real
def test_no_film_is_in_both_released_sets():
    films = [
        {clip['imdb'] for clip in TELFile(REAL / f'{name}.json', name == 'test').clips} for name in ('train', 'test')
    ]
    assert len(films[0]) == 38 and len(films[1]) == 13 and not films[0] & films[1]
