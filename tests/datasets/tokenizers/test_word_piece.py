import pytest

from tests.helpers.records import refused
from vlplugins.registry import TASK_UTILS

PIECES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'red', 'dog', '##s', 'cafe', '.', 'run', '##ning']


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / 'vocab.txt'
    path.write_text('\n'.join(PIECES) + '\n', encoding='utf-8')
    return str(path)


def build(vocabulary, **options):
    return TASK_UTILS.build(dict(type='WordPiece', vocabulary=vocabulary, **options))


def test_the_name_of_the_class_is_registered_too():
    assert TASK_UTILS.get('WordPieceTokenizer') is TASK_UTILS.get('WordPiece')


def naive(text, length):
    """Longest match first, as the paper has it, on blanks and points."""
    ids = [PIECES.index('[CLS]')]
    for word in text.lower().replace('.', ' . ').split():
        pieces, start = [], 0
        while start < len(word):
            ends = [e for e in range(len(word), start, -1) if ('##' if start else '') + word[start:e] in PIECES]
            if not ends:
                pieces = ['[UNK]']
                break
            pieces.append(('##' if start else '') + word[start : ends[0]])
            start = ends[0]
        ids += [PIECES.index(piece) for piece in pieces]
    ids = [*ids[: length - 1], PIECES.index('[SEP]')]
    return ids + [0] * (length - len(ids))


@pytest.mark.parametrize('text', ['A red dog.', 'dogs running', 'dogs zebra a', 'a a a a a a a a a a', ''])
def test_ids_equal_a_naive_longest_match(vocabulary, text):
    assert build(vocabulary, context_length=8).encode_batch([text])[0].tolist() == naive(text, 8)


def test_offsets_point_into_the_text_as_it_is(vocabulary):
    text = 'A  Dogs café'
    ids, offsets = build(vocabulary, context_length=7).encode_with_offsets([text, 'red'])
    assert ids.shape == (2, 7) and offsets.shape == (2, 7, 2)
    assert [text[start:end] for start, end in offsets[0]] == ['', 'A', 'Dog', 's', 'café', '', '']
    assert offsets[1].tolist() == [[0, 0], [0, 3], *[[0, 0]] * 5]


def test_vocabularies_that_are_none_are_refused(vocabulary, tmp_path):
    with refused('No such file'):
        build(str(tmp_path / 'none.txt'))
    (tmp_path / 'plain.txt').write_text('a\nb\n')
    with refused(r'\[PAD\].*expected'):
        build(str(tmp_path / 'plain.txt'))
    with pytest.raises(ValueError, match='context_length 2'):
        build(vocabulary, context_length=2)
