import numpy as np

from vlplugins.registry import TASK_UTILS
from vlplugins.utils.word_vectors import write_word_vectors


def test_ids_by_hand(tmp_path):
    write_word_vectors(tmp_path / 'w.npz', ['person', 'opens', '.'], np.eye(3))
    tokenizer = TASK_UTILS.build(dict(type='WordTokenizer', vocabulary=str(tmp_path / 'w.npz'), context_length=5))
    assert tokenizer.encode_words(['Person', 'OPENS', 'it', '.']).tolist() == [2, 3, 1, 4]
    assert tokenizer.encode_words([]).shape == (0,)
    ids = tokenizer.encode_batch(['Person opens.', 'person opens person opens person opens', ''])
    assert ids.dtype == np.int64
    assert ids.tolist() == [[2, 3, 4, 0, 0], [2, 3, 2, 3, 2], [0, 0, 0, 0, 0]]
