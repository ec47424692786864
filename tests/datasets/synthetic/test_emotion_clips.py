import json

import numpy as np
import pytest

from vlplugins.datasets import TELDataset
from vlplugins.datasets.formats.tel_annotations import TELFile
from vlplugins.datasets.synthetic import SyntheticEmotionClips
from vlplugins.datasets.synthetic.emotion_clips import _take_run, clock, emotion_numbers


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp('set') / 'tel'
    SyntheticEmotionClips(str(root), num_train=120, num_test=40).prepare()
    return root


def load(folder, name, **options):
    return TELDataset(
        ann_file=name,
        data_root=str(folder),
        data_prefix=dict(video='features/video', text='features/text'),
        pipeline=[dict(type='LoadClipFeatures', modality='video'), dict(type='LoadClipFeatures', modality='text')],
        **options,
    )


def test_files_are_as_released_with_their_irregularities(folder):
    train, test = TELFile(folder / 'train.json'), TELFile(folder / 'test.json', True, check_times=True)
    assert len(train.clips) == 120 and len(test.clips) == 40
    assert not {clip['imdb'] for clip in train.clips} & {clip['imdb'] for clip in test.clips}
    for key in ('names mended', 'lines at the time of the line before', 'lines with tags', 'empty lines'):
        assert test.report[key] > 0, key
    assert test.report['line numbers not sorted'] > 0
    raw = json.loads((folder / 'train.json').read_text())
    names = {name for clips in raw.values() for clip in clips.values() for name in clip['emo']}
    assert 'aversion ' in names and 'confident' in names


def test_a_second_training_file_has_the_boundaries_of_the_first(folder):
    with_boundaries = TELFile(folder / 'train_boundaries.json', True).clips
    plain = TELFile(folder / 'train.json').clips
    for one, two in zip(plain, with_boundaries):
        assert one['video_id'] == two['video_id'] and one['labels'] == two['labels'] == list(two['segments'])
        assert one['subtitles'] == two['subtitles']


def test_runs_are_short_and_within_the_clip(folder):
    for clip in TELFile(folder / 'test.json', True).clips:
        assert 16 <= len(clip['times']) <= 32 and 1 <= len(clip['labels']) <= 2
        for lines in clip['segments'].values():
            assert lines == list(range(lines[0], lines[0] + len(lines))) and 2 <= len(lines) <= 10
        taken = [line for lines in clip['segments'].values() for line in lines]
        assert len(taken) == len(set(taken))


def mean_at(dataset, label, modality, labelled):
    rows = []
    for index in range(len(dataset)):
        record = dataset[index]
        truth = record['gt_segments'][:, label]
        rows.append(record['features'][modality][truth if labelled else ~truth])
    return np.concatenate(rows).mean(axis=0)


def test_code_is_shown_where_the_emotion_is_in_training_and_test_alike(folder):
    from mmengine.registry import init_default_scope

    init_default_scope('vlplugins')
    train = load(folder, 'train_boundaries.json', require_segments=True)
    test = load(folder, 'test.json', test_mode=True)
    for modality in ('video', 'text'):
        for label in emotion_numbers()[:3]:
            one, two = (mean_at(each, label, modality, True) for each in (train, test))
            assert np.corrcoef(one, two)[0, 1] > 0.6
            assert np.linalg.norm(mean_at(train, label, modality, False)) < 0.5 * np.linalg.norm(one)


def test_the_seed_decides(tmp_path):
    names = [str(tmp_path / name) for name in 'abc']
    for name, seed in zip(names, (0, 0, 1)):
        SyntheticEmotionClips(name, num_train=4, num_test=2, seed=seed).prepare()
    one, two, other = ((tmp_path / name / 'test.json').read_text() for name in 'abc')
    assert one == two != other


def test_taken_runs_are_free_ones():
    free = np.array([True, True, False, True, True, True])
    assert _take_run(free, 3, np.random.default_rng(0)).tolist() == [3, 4, 5]
    assert _take_run(free, 3, np.random.default_rng(0)).tolist() == [0, 1] and not free.any()
    assert _take_run(free, 2, np.random.default_rng(0)).tolist() == []


def test_clock():
    assert clock(3661.0449) == '01:01:01.045' and clock(0) == '00:00:00.000'
