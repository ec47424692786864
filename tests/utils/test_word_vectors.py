import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.utils.word_vectors import read_word_vectors, write_word_vectors


def test_rows_of_padding_and_unknown_words(tmp_path):
    vectors = np.array([[1.0, 2.0], [3.0, 6.0]], np.float32)
    write_word_vectors(tmp_path / 'w.npz', ['a', 'b'], vectors)
    words, matrix = read_word_vectors(tmp_path / 'w.npz')
    assert words == ['a', 'b'] and matrix.tolist() == [[0, 0], [2, 4], [1, 2], [3, 6]]


@pytest.mark.parametrize(
    'words, vectors, message',
    [
        (['a', 'a'], np.ones((2, 3)), '2 words .1 of them different'),
        (['a'], np.ones((2, 3)), r'1 words .* for \(2, 3\)'),
        (['a'], np.full((1, 3), np.nan), 'not finite'),
    ],
)
def test_files_that_do_not_fit(tmp_path, words, vectors, message):
    write_word_vectors(tmp_path / 'w.npz', words, vectors)
    with refused(message):
        read_word_vectors(tmp_path / 'w.npz')


def test_missing_file_and_missing_array(tmp_path):
    with refused('no such file'):
        read_word_vectors(tmp_path / 'w.npz')
    np.savez(tmp_path / 'x.npz', words=np.array(['a']))
    with refused("expected the keys .'words', 'vectors'"):
        read_word_vectors(tmp_path / 'x.npz')
