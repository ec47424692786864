"""The four real data sets: their files in small, and the real lists where they are at hand."""

import json
import os
import pickle
from pathlib import Path

import pytest

from tests.helpers.records import refused
from vlplugins.datasets import (
    ActivityNetParagraphDataset,
    LSMDCRetrievalDataset,
    MSRVTTRetrievalDataset,
    MSVDRetrievalDataset,
)
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_pickle import UnsafePickleError

SPLITS = Path(__file__).resolve().parents[2].parent / 'shared/data/text_video_splits'
needs_splits = pytest.mark.skipif(not SPLITS.is_dir(), reason='the real lists are not at hand')


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


@pytest.fixture
def msrvtt(tmp_path):
    sentences = [('video3', 'one'), ('video1', 'two'), ('video3', 'three'), ('video9', 'four')]
    content = dict(videos=[], sentences=[dict(caption=c, video_id=v, sen_id=i) for i, (v, c) in enumerate(sentences)])
    (tmp_path / 'MSRVTT_data.json').write_text(json.dumps(content))
    (tmp_path / 'train.csv').write_text('video_id\nvideo1\nvideo3\nvideo5\n')
    (tmp_path / 'test.csv').write_text(
        'key,vid_key,video_id,sentence\nret0,msr9,video9,a man, then a dog\nret1,msr8,video8,"a ""red"" car, fast"\n'
    )
    return tmp_path


def test_msrvtt_unfolds_the_split_and_reads_the_test_list(msrvtt):
    arguments = dict(data_root=str(msrvtt), data_prefix=dict(video='videos'))
    train = MSRVTTRetrievalDataset(ann_file='MSRVTT_data.json', split_file='train.csv', **arguments)
    assert [(r['video_id'], r['text']) for r in infos(train)] == [
        ('video1', 'two'),
        ('video3', 'one'),
        ('video3', 'three'),
    ]
    assert dict(train.left_out.reasons) == {'not annotated': 1}
    assert train.get_data_info(0)['video_path'].endswith('videos/video1.mp4')
    test = MSRVTTRetrievalDataset(split_file='test.csv', test_mode=True, **arguments)
    assert [r['text'] for r in infos(test)] == [['a man, then a dog'], ['a "red" car, fast']]
    whole = MSRVTTRetrievalDataset(ann_file='MSRVTT_data.json', test_mode=True, **arguments)
    assert [len(r['text']) for r in infos(whole)] == [2, 1, 1]


@pytest.mark.parametrize(
    'name, content, message',
    [
        ('train.csv', 'id\nvideo1\n', r"train.csv, record line 1.*\['id'\].*\['video_id'\]"),
        ('train.csv', '', 'train.csv, record line 1'),
        ('train.csv', 'video_id\nvideo1,x\n', 'line 2.*2 columns'),
        ('train.csv', 'key,vid_key,video_id,sentence\nret0,video9\n', 'line 2: found 2 columns'),
        ('MSRVTT_data.json', '{"sentences": 3}', 'MSRVTT_data.json, record sentences'),
        ('MSRVTT_data.json', '{"sentences": [{"caption": 4, "video_id": "video1"}]}', 'sentence 0.*caption 4'),
        ('MSRVTT_data.json', '{"sentences": [{"caption": "x"}]}', 'sentence 0'),
        ('MSRVTT_data.json', '{"sentences": [', 'no JSON'),
        ('MSRVTT_data.json', '{"sentences": []}', 'no usable video.*3 not annotated'),
    ],
)
def test_bad_files_of_msrvtt_are_named(msrvtt, name, content, message):
    (msrvtt / name).write_text(content)
    with refused(message):
        MSRVTTRetrievalDataset(ann_file='MSRVTT_data.json', split_file='train.csv', data_root=str(msrvtt))


def test_msvd_joins_words_and_keeps_all_captions_of_a_clip(tmp_path):
    captions = {'b_1_2': [['a', 'dog', 'runs'], ['it', "'s", 'fast']], 'a_0_9': [['a', 'cat']], 'c_3_4': []}
    (tmp_path / 'raw-captions.pkl').write_bytes(pickle.dumps(captions, protocol=2))
    (tmp_path / 'test_list.txt').write_text('a_0_9\nb_1_2\nc_3_4\nd_5_6')
    arguments = dict(ann_file='raw-captions.pkl', split_file='test_list.txt', data_root=str(tmp_path))
    test = MSVDRetrievalDataset(test_mode=True, **arguments)
    assert [(r['video_id'], r['text']) for r in infos(test)] == [
        ('a_0_9', ['a cat']),
        ('b_1_2', ['a dog runs', "it 's fast"]),
    ]
    assert dict(test.left_out.reasons) == {'not annotated': 1, 'without captions': 1}
    assert len(MSVDRetrievalDataset(**arguments)) == 3
    assert test.get_data_info(0)['video_path'] == str(tmp_path / 'a_0_9.avi')


class Evil:
    def __reduce__(self):
        return os.system, ('touch evil',)


@pytest.mark.parametrize(
    'content, error, message',
    [
        (dict(a=[Evil()]), UnsafePickleError, 'system'),
        ([1], RecordError, 'a list; expected a dict'),
        (dict(a=['a dog']), RecordError, "record a: found the caption 'a dog'"),
        (dict(a=[['a', 3]]), RecordError, 'record a'),
        (dict(a='x'), RecordError, 'record a.*list of captions'),
    ],
)
def test_bad_pickles_of_msvd_are_refused(tmp_path, content, error, message):
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(content))
    with pytest.raises(error, match=message):
        MSVDRetrievalDataset(ann_file='x.pkl', data_root=str(tmp_path))
    (tmp_path / 'x.pkl').write_bytes(b'no pickle')
    with pytest.raises(pickle.UnpicklingError, match='x.pkl'):
        MSVDRetrievalDataset(ann_file='x.pkl', data_root=str(tmp_path))
    with refused('absent.pkl'):
        MSVDRetrievalDataset(ann_file='absent.pkl', data_root=str(tmp_path))


def lsmdc_row(clip, sentence, columns=6):
    return '\t'.join([clip, *['00.00.01.000'] * (columns - 2), sentence])


def test_lsmdc_takes_quotes_literally_and_joins_repeated_clips(tmp_path):
    rows = [
        ('0001_A_FILM_00.01-00.02', '"Go," SOMEONE says.'),
        ('0002_B_00.03-00.04', 'x'),
        ('0001_A_FILM_00.01-00.02', 'y "'),
    ]
    (tmp_path / 'x.csv').write_text('\n'.join(lsmdc_row(*row) for row in rows) + '\n\n')
    dataset = LSMDCRetrievalDataset(ann_file='x.csv', data_root=str(tmp_path), test_mode=True)
    assert [r['text'] for r in infos(dataset)] == [['"Go," SOMEONE says.', 'y "'], ['x']]
    assert dataset.get_data_info(0)['video_path'].endswith('/0001_A_FILM/0001_A_FILM_00.01-00.02.avi')
    (tmp_path / 'paths.json').write_text(json.dumps({'0002_B_00.03-00.04': 'there/b.mp4'}))
    dataset = LSMDCRetrievalDataset(ann_file='x.csv', data_root=str(tmp_path), video_paths_file='paths.json')
    assert [r['video_path'] for r in infos(dataset)] == [str(tmp_path / 'there/b.mp4')]
    assert dict(dataset.left_out.reasons) == {'without a path': 1}


@pytest.mark.parametrize('columns', [5, 7])
def test_rows_of_lsmdc_without_six_columns_are_named(tmp_path, columns):
    (tmp_path / 'x.csv').write_text(lsmdc_row('a', 'x') + '\n' + lsmdc_row('b', 'y', columns) + '\n')
    with refused(f'x.csv, record line 2: found {columns} columns; expected 6'):
        LSMDCRetrievalDataset(ann_file='x.csv', data_root=str(tmp_path))


@pytest.fixture
def activitynet(tmp_path):
    content = {
        'v_a': dict(duration=9.2, timestamps=[[0, 1], [1, 2]], sentences=['One.', ' Two.']),
        'v_b': dict(duration=5, timestamps=[], sentences=[]),
        'v_NHznDFD3V3k': dict(duration=5, timestamps=[[0, 1]], sentences=['x']),
        'v_c': dict(duration=5, timestamps=[[0, 1]], sentences=['x']),
    }
    (tmp_path / 'val_1.json').write_text(json.dumps(content))
    (tmp_path / 'val_ids.json').write_text(json.dumps(['v_a', 'v_d', 'v_b', 'v_c', 'v_NHznDFD3V3k']))
    (tmp_path / 'video_path.json').write_text(json.dumps(dict(a='a.avi', b='b.avi', NHznDFD3V3k='n.avi')))
    return tmp_path


def test_activitynet_joins_sentences_and_counts_what_it_leaves_out(activitynet):
    dataset = ActivityNetParagraphDataset(
        ann_file='val_1.json',
        split_file='val_ids.json',
        video_paths_file='video_path.json',
        data_root=str(activitynet),
        test_mode=True,
    )
    assert len(dataset) == 1
    record = dataset.get_data_info(0)
    assert (record['text'], record['start'], record['end']) == (['One.  Two.'], 0, 10)
    assert record['video_path'] == str(activitynet / 'a.avi')
    assert dict(dataset.left_out.reasons) == {
        'not annotated': 1,
        'known to be broken': 1,
        'without a path': 1,
        'without captions': 1,
    }


@pytest.mark.parametrize(
    'entry, message',
    [
        (dict(duration=3, sentences='x'), 'record v_a.*sentences'),
        (dict(duration=3, sentences=[1]), 'record v_a.*sentences'),
        (dict(duration=0, sentences=['x']), 'record v_a.*duration 0'),
        (dict(sentences=['x']), 'record v_a.*duration None'),
        ([], 'record v_a'),
    ],
)
def test_bad_entries_of_activitynet_are_named(activitynet, entry, message):
    (activitynet / 'val_1.json').write_text(json.dumps(dict(v_a=entry)))
    with refused(message):
        ActivityNetParagraphDataset(ann_file='val_1.json', data_root=str(activitynet))


@needs_splits
def test_real_lists_of_msrvtt():
    from vlplugins.datasets.msrvtt import read_csv

    ids = {name: {r['video_id'] for r in read_csv(SPLITS / f'msrvtt/MSRVTT_train.{name}.csv')} for name in ('7k', '9k')}
    test = MSRVTTRetrievalDataset(split_file=str(SPLITS / 'msrvtt/MSRVTT_JSFUSION_test.csv'), test_mode=True)
    tested = {r['video_id'] for r in infos(test)}
    assert (len(ids['7k']), len(ids['9k']), len(tested), len(test)) == (7010, 9000, 1000, 1000)
    assert ids['7k'] < ids['9k'] and not tested & ids['9k']
    assert test.get_data_info(0)['text'] == ['a person is connecting something to system']


@needs_splits
def test_real_lists_of_msvd_and_lsmdc():
    from vlplugins.datasets.formats.text_files import read_ids

    lists = [read_ids(SPLITS / f'msvd/{split}_list.txt') for split in ('train', 'val', 'test')]
    assert [len(each) for each in lists] == [1200, 100, 670] and len(set(sum(lists, []))) == 1970
    test = LSMDCRetrievalDataset(ann_file=str(SPLITS / 'lsmdc/LSMDC16_challenge_1000_publictect.csv'), test_mode=True)
    texts = [text for record in infos(test) for text in record['text']]
    assert (len(test), len(texts), len(set(texts))) == (1000, 1000, 995)


@needs_splits
@pytest.mark.parametrize(
    'ann_file, split_file, videos, usable, not_annotated',
    [('train.json', 'train_ids.json', 10009, 9933, 15), ('val_1.json', 'val_ids.json', 4917, 4869, 9)],
)
def test_real_lists_of_activitynet(ann_file, split_file, videos, usable, not_annotated):
    folder = SPLITS / 'activitynet'
    arguments = dict(ann_file=ann_file, split_file=split_file, data_root=str(folder), test_mode=True)
    everything = ActivityNetParagraphDataset(exclude=(), **arguments)
    assert len(everything) == videos and everything.left_out.reasons['not annotated'] == not_annotated
    assert len(ActivityNetParagraphDataset(video_paths_file='video_path.json', **arguments)) == usable
