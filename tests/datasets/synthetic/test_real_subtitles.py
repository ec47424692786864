import json

import numpy as np
import pytest

from tests.helpers.tel import boundary_content, write
from vlplugins.datasets.formats.tel_annotations import TELFile
from vlplugins.datasets.synthetic import RealSubtitleClips


def source(tmp_path, films=4, clips=3):
    clip = boundary_content()['tt02']['scene-001.ss-0001.es-0002']
    content = {f'tt{film}': {f'clip{number}': clip for number in range(clips)} for film in range(films)}
    return write(tmp_path / 'source.json', content)


def make(tmp_path, **options):
    options = dict(
        dict(
            ann_file=source(tmp_path),
            encoder=dict(type='HashSentenceEncoder', dim=16),
            cache=str(tmp_path / 'cache.npz'),
            num_test_films=1,
        ),
        **options,
    )
    return RealSubtitleClips(str(tmp_path / 'set'), **options)


def test_films_are_divided_and_training_loses_its_boundaries(tmp_path):
    root = make(tmp_path).prepare()
    train, test = TELFile(root / 'train.json'), TELFile(root / 'test.json', True)
    assert {clip['imdb'] for clip in train.clips} == {'tt0', 'tt1', 'tt2'}
    assert {clip['imdb'] for clip in test.clips} == {'tt3'}
    assert 'segment' not in (root / 'train.json').read_text()
    assert train.clips[0]['labels'] == [3] and test.clips[0]['segments'] == {3: [1, 3]}


def test_text_features_are_those_of_the_cleaned_lines(tmp_path):
    root = make(tmp_path).prepare()
    with np.load(root / 'features/text/tt0.npz') as arrays:
        features = arrays['clip0']
    assert features.shape == (4, 16) and not features[2].any() and features[0].any()
    np.testing.assert_allclose(np.linalg.norm(features.astype(float), axis=1), [1, 1, 0, 1], atol=1e-2)


def test_video_shows_the_code_at_labelled_lines_and_distractors_in_the_same_clip(tmp_path):
    maker = make(tmp_path, dim=4)
    codes = np.full((18, 4), 100.0)
    clip = dict(subtitles=['a'] * 10, segments={3: [1, 2, 3]})
    rng = np.random.default_rng(0)
    shown = np.stack([maker._draw_video(clip, codes, rng)[:, 0] > 50 for _ in range(3000)])
    assert shown[:, 1:4].any(axis=1).all()
    # A line without the emotion shows it with probability 0.3 times the share of labelled lines.
    assert shown[:, 4:].mean() == pytest.approx(0.09, abs=0.01)
    assert shown[:, 1:4].mean() == pytest.approx(0.4 + 0.6**3 / 3, abs=0.02)
    assert not (maker._draw_video(dict(clip, segments={}), codes, rng) > 50).any()


def test_clips_of_a_film_can_be_limited_and_films_must_remain(tmp_path):
    root = make(tmp_path, num_clips=2).prepare()
    assert [len(clips) for clips in json.loads((root / 'train.json').read_text()).values()] == [2, 2, 2]
    with pytest.raises(ValueError, match='has 4 films; 4 of them cannot test'):
        make(tmp_path, num_test_films=4).prepare()
    with pytest.raises(FileNotFoundError, match='no such annotations'):
        make(tmp_path, ann_file=str(tmp_path / 'none.json')).prepare()
