import json
from collections import Counter, defaultdict

import numpy as np
import pytest

from vlplugins.datasets.formats.violin_annotations import ViolinFile
from vlplugins.datasets.sentence_graph import read_graphs
from vlplugins.datasets.synthetic import SyntheticViolin
from vlplugins.datasets.synthetic.violin import KINDS, template_graph
from vlplugins.structures import StatementGraph


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('violin') / 'set'
    return SyntheticViolin(str(folder), num_train=150, num_val=1, num_test=1, kinds=KINDS[:5]).prepare()


def pairs(root):
    kinds = json.loads((root / 'statement_types.json').read_text())
    for clip in ViolinFile(root / 'violin_annotation.json').clips:
        for texts, (kind, _) in zip(clip['statements'], kinds[clip['clip_id']]):
            yield clip, kind, [text.split() for text in texts]


def test_layout_is_that_of_the_release(root):
    file = ViolinFile(root / 'violin_annotation.json')
    assert Counter(clip['split'] for clip in file.clips) == dict(train=150, validate=1, test=1)
    assert not file.report and {clip['duration'] for clip in file.clips} == {16.0}
    assert len(read_graphs(root / 'statement_graphs.json', file.statements, StatementGraph)) == 6 * 152
    assert np.load(next((root / 'features').glob('*.npy'))).shape == (8, 32)


def test_kinds_are_equally_often(root):
    counts = Counter(kind for _, kind, _ in pairs(root))
    assert set(counts) == set(KINDS[:5]) and max(counts.values()) - min(counts.values()) <= 1


def test_what_is_false_names_only_what_occurs(root):
    # Topics of a statement are said in its clip, and no topic is named twice.
    for clip, _, texts in pairs(root):
        said = {word for line in clip['lines'] for word in line.split()}
        for words in texts:
            topics = [word for word in words if word in ('coffee', 'money', 'music', 'flowers', 'peace')]
            assert set(topics) <= said and len(set(topics)) == len(topics)


def test_words_of_true_and_false_statements_are_equally_often(root):
    counts = defaultdict(Counter)
    for _, kind, texts in pairs(root):
        for polarity, words in enumerate(texts):
            counts[kind, polarity].update(enumerate(words))
    for kind in KINDS[:5]:
        for place in set(counts[kind, 0]) | set(counts[kind, 1]):
            real, fake = counts[kind, 0][place], counts[kind, 1][place]
            # Four deviations of a difference of two counts.
            assert abs(real - fake) <= 4 * max(real + fake, 4) ** 0.5, (kind, place)


def test_labels_follow_from_the_clip(root):
    for clip, kind, (real, fake) in pairs(root):
        lines = [line.split()[2] for line in clip['lines']]
        if kind == 'next':
            assert abs(lines.index(real[3]) - lines.index(fake[3])) == 2
            assert lines.index(real[3]) > lines.index(fake[3])
        if kind == 'order':
            assert {real[2], fake[2]} <= {'before', 'after'} and real != fake
            assert sorted([real[:2], real[3:]]) == sorted([fake[:2], fake[3:]])
        if kind == 'say':
            assert real[:3] == fake[:3] and real[3] != fake[3]
        if kind == 'act':
            assert real[0] == fake[0] and real[1] != fake[1]


def test_names_are_told_in_another_segment_than_the_action(tmp_path):
    root = SyntheticViolin(str(tmp_path / 'names'), num_train=5, num_val=0, num_test=0, kinds=('name',)).prepare()
    evidence = json.loads((root / 'evidence.json').read_text())
    for number, (clip, kind, (real, fake)) in enumerate(pairs(root)):
        assert kind == 'name' and real[0] == fake[0] and real[1] != fake[1]
        (said,) = [i for i, line in enumerate(clip['lines']) if line.split()[:3] == ['i', 'am', real[0]]]
        assert evidence[f'{clip["clip_id"]}-{number % 3}-0'][0] != 4.0 * said


def test_noise_takes_topics_away(tmp_path):
    root = SyntheticViolin(str(tmp_path / 'n'), num_train=60, num_val=0, num_test=0, text_noise=0.3).prepare()
    lines = [line.split() for clip in ViolinFile(root / 'violin_annotation.json').clips for line in clip['lines']]
    topics = {'coffee', 'money', 'music', 'flowers', 'peace'}
    assert 0.2 < np.mean([not topics & set(line) for line in lines]) < 0.4


def test_graphs_of_the_templates():
    graph = template_graph('man opens saying coffee and girl lifts saying peace'.split())
    assert graph.sentence.actions == [[1], [6]] and graph.sentence.atoms == [0, 3, 5, 8]
    assert graph.connectives == [(0, 1, 'AND')]
    assert template_graph('man opens before coffee'.split()).connectives == []
    assert template_graph('man opens after girl lifts'.split()).connectives == [(0, 1, 'AFTER')]


@pytest.mark.parametrize('options', [dict(kinds=('sing',)), dict(kinds=()), dict(text_noise=1.5)])
def test_impossible_arguments_are_refused(options, tmp_path):
    with pytest.raises(ValueError, match='kinds|text_noise'):
        SyntheticViolin(str(tmp_path), **options)
