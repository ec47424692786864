import json

import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.helpers.records import refused
from tests.helpers.videos import frame_numbers, write_video
from vlplugins.datasets.text_video import TextVideoDataset


def entry(name, captions, **extra):
    return dict(video=f'{name}.mp4', video_id=name, captions=captions, **extra)


def write(folder, entries, metainfo=None):
    path = folder / 'common.json'
    path.write_text(json.dumps(dict(metainfo=metainfo or {}, data_list=entries)))
    return dict(ann_file=path.name, data_root=str(folder), data_prefix=dict(video='videos'))


ENTRIES = [entry('a', ['a dog', 'a cat']), entry('b', ['a bird']), entry('c', ['x', 'y', 'z'], start=1.0, end=2.0)]


def test_training_has_a_record_per_pair_and_tests_one_per_video(tmp_path):
    arguments = write(tmp_path, ENTRIES, dict(dataset='demo'))
    train = [TextVideoDataset(**arguments).get_data_info(i) for i in range(6)]
    assert [(r['video_index'], r['text'], r['text_indices']) for r in train] == [
        (0, 'a dog', [0]),
        (0, 'a cat', [1]),
        (1, 'a bird', [2]),
        (2, 'x', [3]),
        (2, 'y', [4]),
        (2, 'z', [5]),
    ]
    test = TextVideoDataset(test_mode=True, **arguments)
    assert len(test) == 3 and test.metainfo['dataset'] == 'demo'
    record = test.get_data_info(2)
    assert (record['text'], record['text_indices']) == (['x', 'y', 'z'], [3, 4, 5])
    assert (record['start'], record['end'], record['video_id']) == (1.0, 2.0, 'c')
    assert record['video_path'] == record['filename'] == str(tmp_path / 'videos/c.mp4')
    assert test.get_data_info(0)['start'] is None


def test_without_unfolding_a_caption_is_drawn_anew(tmp_path):
    dataset = TextVideoDataset(unfold=False, rng=np.random.default_rng(0), **write(tmp_path, ENTRIES))
    assert len(dataset) == 3
    drawn = [dataset.get_data_info(2) for _ in range(60)]
    assert {(r['text'], *r['text_indices']) for r in drawn} == {('x', 3), ('y', 4), ('z', 5)}


def test_a_split_selects_and_counts_what_is_absent(tmp_path):
    (tmp_path / 'split.txt').write_text('c\nabsent\na\na\n\n')
    dataset = TextVideoDataset(split_file='split.txt', test_mode=True, **write(tmp_path, ENTRIES))
    assert [dataset.get_data_info(i)['video_id'] for i in range(2)] == ['c', 'a'] and len(dataset) == 2
    assert dict(dataset.left_out.reasons) == {'not annotated': 1}


def test_videos_without_captions_or_file_are_counted_in_one_line(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr('vlplugins.utils.records.print_log', lambda line, **_: lines.append(line))
    write_video(tmp_path / 'videos/a.mp4', 3)
    entries = [*ENTRIES, entry('d', [])]
    dataset = TextVideoDataset(skip_missing=True, test_mode=True, **write(tmp_path, entries))
    assert len(dataset) == 1
    assert lines == ['3 videos skipped: 2 without a file, 1 without captions']


def test_blank_captions_stay_and_are_counted_once(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr('vlplugins.datasets.text_video.print_log', lambda line, *_, **__: lines.append(line))
    dataset = TextVideoDataset(**write(tmp_path, [entry('a', ['', ' \n', 'a dog'])]))
    assert len(dataset) == 3 and dataset.num_blank == 2
    assert len(lines) == 1 and '2 blank captions' in lines[0]


@pytest.mark.parametrize(
    'entries, message',
    [
        ([entry('a', ['x', 3])], r'common.json, record 1 \(a\).*caption 3'),
        ([entry('a', ['x']), entry('b', 'text')], r"record 2 \(b\).*'text'"),
        ([entry('a', None)], r'record 1 \(a\)|caption None'),
        ([dict(video='a.mp4')], 'record 1.*captions.*video_id'),
        (['a'], 'record 1'),
        ([entry('a', [])], 'no usable video.*1 without captions'),
        ([], 'no usable video'),
    ],
)
def test_bad_entries_are_named(tmp_path, entries, message):
    with refused(message):
        TextVideoDataset(**write(tmp_path, entries))


@pytest.mark.parametrize(
    'content, message', [(b'{"a": [\n1,', 'line 2'), (b'\xff\xfe\xfa', 'UTF-8'), (b'[1]', 'layout')]
)
def test_damaged_files_are_named(tmp_path, content, message):
    (tmp_path / 'x.json').write_bytes(content)
    with refused(f'x.json.*{message}'):
        TextVideoDataset(ann_file=str(tmp_path / 'x.json'))
    with refused('absent.json.*No such file'):
        TextVideoDataset(ann_file=str(tmp_path / 'absent.json'))


PIPELINE = [
    dict(type='OpenVideo'),
    dict(type='SegmentFrameSample', num_frames=4, test_mode=True),
    dict(type='LoadVideoFrames'),
    dict(type='Tokenize', tokenizer=dict(type='CLIP', context_length=8)),
    dict(type='PackRetrievalInputs'),
]


def test_items_hold_frames_tokens_and_sample(tmp_path):
    init_default_scope('vlplugins')
    write_video(tmp_path / 'videos/c.mp4', 20)
    arguments = dict(write(tmp_path, ENTRIES[2:]), pipeline=PIPELINE)
    train, test = TextVideoDataset(**arguments)[1], TextVideoDataset(test_mode=True, **arguments)[0]
    assert train['inputs']['text_ids'].shape == (8,) and test['inputs']['text_ids'].shape == (3, 8)
    assert train['data_samples'].captions == ['y'] and test['data_samples'].captions == ['x', 'y', 'z']
    # from 1 s to 2 s at 3 frames a second: three frames, the last one again
    assert frame_numbers(train['inputs']['imgs']) == [3, 4, 5, 5]
    assert train['inputs']['frame_mask'].tolist() == [True, True, True, False]


def test_unreadable_videos_stop_or_are_replaced_in_training_and_always_stop_a_test(tmp_path):
    init_default_scope('vlplugins')
    write_video(tmp_path / 'videos/a.mp4', 5)
    broken = write_video(tmp_path / 'videos/b.mp4', 5)
    broken.write_bytes(broken.read_bytes()[:200])
    arguments = dict(write(tmp_path, ENTRIES[:2]), pipeline=PIPELINE)
    with refused('b.mp4, record b.*200 bytes'):
        TextVideoDataset(**arguments)[2]
    skipping = TextVideoDataset(skip_bad=True, max_refetch=50, **arguments)
    assert skipping[2]['data_samples'].video_id == 'a'
    assert 'videos skipped' in skipping.skipped.summary() and 'b.mp4' in skipping.skipped.summary()
    with refused('b.mp4'):
        TextVideoDataset(skip_bad=True, test_mode=True, **arguments)[1]
    (tmp_path / 'videos/a.mp4').unlink()
    with pytest.raises(Exception, match='Cannot find valid image|valid'):
        TextVideoDataset(skip_bad=True, max_refetch=5, **arguments)[0]
