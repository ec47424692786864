import numpy as np

from vlplugins.datasets.transforms import CleanSubtitles, EncodeSubtitles


def test_lines_are_cleaned_and_keep_their_place():
    results = CleanSubtitles().transform(dict(subtitles=['- a ', '<i></i>', 'c']))
    assert results['subtitles'] == ['a', '', 'c']


def test_lines_become_features_around_1_and_blank_ones_0():
    transform = EncodeSubtitles(encoder=dict(type='HashSentenceEncoder', dim=64))
    results = transform.transform(dict(subtitles=['one two', '', 'three']))
    features = results['features']['text']
    assert features.shape == (3, 64) and results['present'] == dict(text=True)
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), [8, 0, 8], atol=1e-5)
    plain = EncodeSubtitles(encoder=dict(type='HashSentenceEncoder', dim=64), rescale=None, name='words')
    np.testing.assert_allclose(plain.transform(dict(subtitles=['one two']))['features']['words'] * 8, features[:1])
