"""Splits of small worlds, and what must hold for any output, checked by code of its own."""

import itertools
import json

import numpy as np
import pytest

from tests.helpers.grounding import REAL_CHARADES
from vlplugins.datasets.formats.compositional_split import ParsedSentence, SplitOptions, build_splits, check_splits


def world(seed=0, videos=80):
    """Videos of two sentences "VERB NOUN", some words rare; the sentence is its own parse."""
    rng = np.random.default_rng(seed)
    verbs, nouns = [f'verb{i}' for i in range(8)], [f'noun{i}' for i in range(8)]
    annotations, parsed = {}, {}
    for number in range(videos):
        pairs = [(str(rng.choice(verbs)), str(rng.choice(nouns))) for _ in range(2)]
        if number % 20 == 0:
            pairs[0] = (pairs[0][0], f'rare{number}')
        name = f'v{number}'
        annotations[name] = dict(sentences=[' '.join(p) for p in pairs], timestamps=[[0, 1], [1, 2]], duration=3.0)
        parsed[name] = [ParsedSentence({(v, 'VERB'), (n, 'NOUN')}, {('v-n', v, n)}) for v, n in pairs]
    return annotations, parsed


OPTIONS = dict(num_words=1, num_compositions=4, min_frequency=2, max_frequency=30)


def pairs_and_words(splits, name):
    sentences = [text.split() for record in splits.annotations[name].values() for text in record['sentences']]
    return {tuple(each) for each in sentences}, set(itertools.chain(*sentences))


@pytest.mark.parametrize('seed', range(4))
@pytest.mark.parametrize('overlap', [False, True])
def test_invariants(seed, overlap):
    annotations, parsed = world(seed)
    splits = build_splits(annotations, parsed, SplitOptions(seed=seed, allow_overlap=overlap, **OPTIONS))
    train_pairs, train_words = pairs_and_words(splits, 'train')
    found = splits.annotations
    tests = ('test_trivial', 'novel_composition', 'novel_word')
    assert all(found[name] for name in found)
    assert not set(found['train']) & {video for name in tests for video in found[name]}
    for record in found['novel_composition'].values():
        assert len(record['novels']) == len(record['sentences'])
        for tags in record['novels']:
            for verb, noun in tags['v-n']:
                assert {verb, noun} <= train_words and (verb, noun) not in train_pairs
    for record in found['novel_word'].values():
        for text, tags in zip(record['sentences'], record['news']):
            new = {lemma for lemmas in tags.values() for lemma in lemmas}
            assert new and not new & train_words and new <= set(text.split())
    for record in found['test_trivial'].values():
        assert all(tuple(text.split()) in train_pairs for text in record['sentences'])
    counted = sum(len(record['sentences']) for name in found for record in found[name].values())
    assert counted + splits.report['sentences of training videos left out'] == 160


def test_seed_decides():
    annotations, parsed = world()
    one, two, other = (
        json.dumps(build_splits(annotations, parsed, SplitOptions(seed=seed, **OPTIONS)).annotations)
        for seed in (3, 3, 4)
    )
    assert one == two != other


def test_share_of_test_videos_is_kept_and_what_is_held_leaves_training():
    annotations, parsed = world()
    splits = build_splits(annotations, parsed, SplitOptions(max_test_fraction=0.1, **OPTIONS))
    tests = {video for name in splits.annotations if name != 'train' for video in splits.annotations[name]}
    assert 0 < len(tests) <= 8 and splits.report['sentences of training videos left out'] > 0


def test_rare_words_are_held_out_only_where_it_is_asked():
    annotations, parsed = world()
    nothing = dict(OPTIONS, num_words=0, num_compositions=0)
    assert build_splits(annotations, parsed, SplitOptions(rare=True, **nothing)).annotations['novel_word']
    without = build_splits(annotations, parsed, SplitOptions(rare=False, **nothing))
    assert list(without.annotations['train']) == list(annotations)


def test_types_choose_compositions():
    annotations, parsed = world()
    splits = build_splits(annotations, parsed, SplitOptions(types=('p-n',), **OPTIONS))
    assert not splits.annotations['novel_composition'] and splits.annotations['novel_word']


@pytest.mark.parametrize(
    'spoil, message',
    [
        (lambda a: a['train'].update(a['test_trivial']), 'in training and in a test'),
        (lambda a: next(iter(a['novel_word'].values()))['news'][0].update(NOUN=['noun1']), "'noun1' is in training"),
        (lambda a: next(iter(a['novel_composition'].values()))['novels'][0].update({'v-n': [['verb1', 'zzz']]}),
         "'zzz' is not new"),
        (lambda a: a['test_trivial'].popitem(), 'must be in one split'),
    ],
)  # fmt: skip
def test_the_check_finds_what_is_wrong(spoil, message):
    annotations, parsed = world()
    splits = build_splits(annotations, parsed, SplitOptions(**OPTIONS))
    # A video with sentences in two splits, so that it is missed when one of them goes.
    spoil(splits.annotations)
    with pytest.raises(ValueError, match=message):
        check_splits(splits, annotations, parsed)


@pytest.mark.slow
@pytest.mark.skipif(not REAL_CHARADES.is_dir(), reason='the released annotations are not here')
def test_real_sentences_of_charades_cg(tmp_path, capsys):
    """The tool on the released training and trivial sentences; it checks its invariants itself."""
    pytest.importorskip('spacy')
    from tools.dataset_converters.build_compositional_split import main

    out = tmp_path / 'cg'
    argv = [str(REAL_CHARADES / 'test_trivial.json'), str(REAL_CHARADES / 'novel_word.json'), '--out', str(out)]
    main([*argv, '--num-words', '3', '--num-compositions', '10'])
    assert all((out / f'{name}.json').is_file() for name in ('train', 'novel_word', 'novel_composition'))
    train = json.loads((out / 'train.json').read_text())
    words = {word.strip('.,').lower() for record in train.values() for s in record['sentences'] for word in s.split()}
    nouns = [
        lemma
        for record in json.loads((out / 'novel_word.json').read_text()).values()
        for tags in record['news']
        for lemma in tags.get('NOUN', ())
    ]
    assert len(nouns) > 20 and sum(noun in words for noun in nouns) <= 0.05 * len(nouns)
    capsys.readouterr()
    main([*argv, '--num-words', '3', '--num-compositions', '10'])
    assert capsys.readouterr().out.count('is up to date') == 4
