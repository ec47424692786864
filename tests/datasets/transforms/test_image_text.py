import numpy as np
import pytest
import torch

from tests.helpers.records import refused
from vlplugins.registry import TRANSFORMS

CAPTION = 'A girl and two dogs'
PIECES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'a', 'girl', 'and', 'two', 'dog', '##s']


@pytest.fixture
def tokenizer(tmp_path):
    (tmp_path / 'vocab.txt').write_text('\n'.join(PIECES))
    return dict(type='WordPiece', vocabulary=str(tmp_path / 'vocab.txt'), context_length=9)


def run(results, *transforms):
    for cfg in transforms:
        results = TRANSFORMS.build(cfg)(results)
    return results


def tokenize(tokenizer, **changes):
    return dict(type='Tokenize', tokenizer={**tokenizer, **changes}, with_offsets=True)


def test_phrases_become_tokens(tokenizer):
    record = dict(text=CAPTION, phrases=[[0, 6], [11, 19], [12, 17]])
    found = run(record, tokenize(tokenizer), dict(type='MapPhraseSpans'))
    # [CLS] a girl and two dog ##s [SEP]: a token with one character of the phrase belongs to it.
    assert found['phrase_spans'].tolist() == [[1, 3], [4, 7], [4, 6]]
    assert found['phrase_texts'] == ['A girl', 'two dogs', 'wo do']


def test_phrases_that_the_end_cuts_are_counted(tokenizer):
    step = TRANSFORMS.build(dict(type='MapPhraseSpans'))
    record = dict(text=CAPTION, phrases=[[0, 6], [11, 19]])
    found = step(run(record, tokenize(tokenizer, context_length=7)))
    assert found['phrase_spans'].tolist() == [[1, 3]] and step.dropped.total == 1
    found = step(run(dict(text=CAPTION, phrases=[[0, 2]]), tokenize(tokenizer, context_length=3)))
    assert found['phrase_spans'].tolist() == [[1, 2]]


def test_a_chunker_finds_phrases_where_none_are_annotated(tokenizer):
    chunker = dict(type='RuleNounPhraseChunker')
    for options, expected in (({}, 0), (dict(chunker=chunker), 2), (dict(chunker=chunker, max_phrases=1), 1)):
        found = run(dict(text=CAPTION), tokenize(tokenizer), dict(type='MapPhraseSpans', **options))
        assert found['phrase_spans'].shape == (expected, 2)
    with pytest.raises(ValueError, match='with_offsets=True'):
        run(dict(text=CAPTION), dict(type='MapPhraseSpans'))


def test_a_template_changes_the_tokens_alone(tokenizer):
    found = run(dict(text='Dogs '), dict(type='Tokenize', tokenizer=tokenizer, template='two {} and a girl'))
    assert found['text'] == 'Dogs ' and found['text_ids'].tolist() == [2, 7, 8, 9, 6, 4, 5, 3, 0]
    for options in (dict(template='none'), dict(template='{}', with_offsets=True)):
        with pytest.raises(ValueError, match='template'):
            TRANSFORMS.build(dict(type='Tokenize', tokenizer=tokenizer, **options))


def test_flips_spare_captions_with_sides():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    flip = dict(type='CaptionSafeFlip', prob=1.0)
    assert (run(dict(img=image, text='a brightly lit dog'), flip)['img'] == image[:, ::-1]).all()
    for text in ('the dog on the LEFT', ['a dog', 'the right one']):
        found = run(dict(img=image, text=text), flip)
        assert (found['img'] == image).all() and not found['flip']
    # A caption does not shift the random numbers of those after it.
    draws = [np.random.default_rng(0) for _ in range(2)]
    for text, rng in zip(('left', 'dog'), draws):
        run(dict(img=image, text=text), dict(flip, prob=0.5, rng=rng))
    assert draws[0].uniform() == draws[1].uniform()


def test_pack_keeps_images_texts_phrases_and_the_true_box(tokenizer):
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    record = dict(text=CAPTION, phrases=[[0, 6]], img=image, ori_shape=(2, 4), gt_box=(0, 1, 3, 2), sent_id=4)
    found = run(record, tokenize(tokenizer), dict(type='MapPhraseSpans'), dict(type='PackVLInputs'))
    inputs, sample = found['inputs'], found['data_samples']
    assert torch.equal(inputs['image'], torch.from_numpy(image).permute(2, 0, 1))
    assert inputs['text_ids'].shape == (9,) and inputs['phrase_spans'].tolist() == [[1, 3]]
    assert sample.gt_phrases == ['A girl'] and sample.gt_spans == [(1, 3)] and sample.sent_id == 4
    assert sample.gt_instances.bboxes.tolist() == [[0, 1, 3, 2]] and sample.texts == [CAPTION]
    with pytest.raises(ValueError, match='1 phrases have 0 spans'):
        sample.set_phrases(['a'], [])


def test_images_of_one_pixel_a_side_are_refused():
    with refused(r'an image of \(1, 4\)'):
        run(dict(img=np.zeros((8, 8, 3), np.uint8), ori_shape=(1, 4), img_path='a.png'), dict(type='PackVLInputs'))
