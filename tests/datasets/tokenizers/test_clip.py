import pickle

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope

from vlplugins.datasets.tokenizers.clip import CLIPTokenizer, clean_text
from vlplugins.datasets.transforms.tokenize import Tokenize

HELLO_WORLD = [49406, 3306, 1002, 49407]


def test_known_ids_of_the_public_vocabulary():
    ids = CLIPTokenizer(8).encode_batch(['hello world', 'Hello \n  WORLD ', 'a'])
    assert ids[0].tolist() == ids[1].tolist() == HELLO_WORLD + [0] * 4
    assert ids[2].tolist() == [49406, 320, 49407] + [0] * 5


def test_long_texts_keep_the_end_token():
    ids = CLIPTokenizer(32).encode_batch(['word ' * 100, 'word ' * 30, 'word ' * 31])
    assert ids.shape == (3, 32) and (ids[:, -1] == 49407).all() and ((ids == 49407).sum(axis=1) == 1).all()
    assert (ids[1] == ids[2]).all() and len(set(ids[0, 1:-1])) == 1


@pytest.mark.parametrize('text', ['', '   ', '\n'])
def test_blank_texts_are_start_and_end(text):
    assert CLIPTokenizer(5).encode_batch([text]).tolist() == [[49406, 49407, 0, 0, 0]]


def test_entities_are_unescaped_twice_and_encodings_mended():
    plain = CLIPTokenizer(16).encode_batch(['cats & dogs'])
    for text in ('cats &amp; dogs', 'cats &amp;amp; dogs'):
        assert np.array_equal(CLIPTokenizer(16).encode_batch([text]), plain)
    assert clean_text('cafÃ©  &lt;b&gt; ') == 'café <b>'


def test_a_caption_cannot_forge_the_end_token():
    ids = CLIPTokenizer(32).encode_batch(['a <|endoftext|> b'])[0]
    assert (ids == 49407).sum() == 1 and ids.argmax() == np.flatnonzero(ids)[-1]


def test_ids_are_signed_and_index_an_embedding():
    results = Tokenize(dict(type='CLIP', context_length=6))(dict(text='hello world'))
    assert results['text_ids'].dtype == torch.int64 and results['text_ids'].shape == (6,)
    assert torch.nn.Embedding(49408, 2)(results['text_ids']).shape == (6, 2)


def test_lists_of_captions_give_a_row_each():
    init_default_scope('vlplugins')
    transform = pickle.loads(pickle.dumps(Tokenize(dict(type='CLIP', context_length=6))))
    ids = transform(dict(text=['hello world', 'a']))['text_ids']
    assert ids[0].tolist() == HELLO_WORLD + [0, 0] and ids.shape == (2, 6)
    assert transform(dict(text=['a']))['text_ids'].shape == (1, 6)


@pytest.mark.parametrize('text', [None, 3, [], ['a', 3], [['a', 'dog']]])
def test_what_is_no_text_is_refused(text):
    with pytest.raises((ValueError, TypeError)):
        Tokenize(dict(type='CLIP', context_length=6))(dict(text=text))


@pytest.mark.parametrize('length', [78, 2, 0])
def test_lengths_that_clip_has_no_positions_for_are_refused(length):
    with pytest.raises(ValueError, match=f'context_length {length}'):
        CLIPTokenizer(length)


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    from vlplugins.datasets.tokenizers import clip

    monkeypatch.setattr(clip, '_encoder', clip._encoder.__wrapped__)
    monkeypatch.setitem(__import__('sys').modules, 'instant_clip_tokenizer', None)
    with pytest.raises(ImportError, match='instant_clip_tokenizer|instant-clip-tokenizer'):
        CLIPTokenizer(8)
