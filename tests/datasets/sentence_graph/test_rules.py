"""Graphs of sentences whose dependencies are written here, so that no parser is needed."""

import pytest

from vlplugins.datasets.sentence_graph.rules import graph_of, role_of_adverb, role_of_preposition


class Token:
    """What the rules read of a token of spaCy."""

    def __init__(self, i, text, pos, dep):
        self.i, self.text, self.pos_, self.dep_, self.lemma_ = i, text, pos, dep, text
        self.children, self.head = [], self


def parse(*rows):
    """Tokens of rows ``text POS dependency head``; the root has itself as head."""
    split = [row.split() for row in rows]
    tokens = [Token(i, text, pos, dep) for i, (text, pos, dep, _) in enumerate(split)]
    for token, (*_, head) in zip(tokens, split):
        token.head = tokens[int(head)]
        if token.head is not token:
            token.head.children.append(token)
    return tokens


def words(graph):
    """Edges with words in the place of numbers."""
    names = dict(event=['*'], action=[' '.join(graph.tokens[t] for t in span) for span in graph.actions])
    names['atom'] = [graph.tokens[token] for token in graph.atoms]
    return {(names[a][i], role, names[b][j]) for a, i, b, j, role in graph.edges}


def test_particles_belong_to_the_action():
    graph = graph_of(
        parse('person NOUN nsubj 1', 'turns VERB ROOT 1', 'off ADP prt 1', 'the DET det 4', 'light NOUN dobj 1')
    )
    assert graph.actions == [[1, 2]] and graph.atoms == [0, 4]
    assert words(graph) == {
        ('*', 'EVT', 'turns off'), ('turns off', 'ARG0', 'person'), ('turns off', 'ARG1', 'light')
    }  # fmt: skip


def test_second_verb_takes_the_subject_of_the_first():
    graph = graph_of(
        parse('person NOUN nsubj 1', 'begins VERB ROOT 1', 'to PART aux 3', 'play VERB xcomp 1', 'and CCONJ cc 3',
              'sing VERB conj 3')
    )  # fmt: skip
    assert graph.actions == [[1], [3], [5]] and graph.atoms == [0]
    assert words(graph) >= {
        ('begins', 'XCOMP', 'play'), ('play', 'NEXT', 'sing'),
        ('begins', 'ARG0', 'person'), ('play', 'ARG0', 'person'), ('sing', 'ARG0', 'person'),
    }  # fmt: skip


def test_modifiers_conjuncts_and_nested_prepositions():
    graph = graph_of(
        parse('takes VERB ROOT 0', 'red ADJ amod 2', 'cup NOUN dobj 0', 'and CCONJ cc 2', 'plate NOUN conj 2',
              'out ADP prep 0', 'of ADP prep 5', 'fridge NOUN pobj 6', 'with ADP prep 7', 'doors NOUN pobj 8')
    )  # fmt: skip
    assert words(graph) == {
        ('*', 'EVT', 'takes'), ('takes', 'ARG1', 'cup'), ('takes', 'ARG1', 'plate'), ('cup', 'MOD', 'red'),
        ('takes', 'DIR', 'fridge'), ('fridge', 'NMOD', 'doors'),
    }  # fmt: skip


def test_passive_negation_and_adverbs():
    graph = graph_of(
        parse('book NOUN nsubjpass 3', 'is AUX auxpass 3', 'not PART neg 3', 'closed VERB ROOT 3', 'then ADV advmod 3',
              'slowly ADV advmod 3', 'by ADP agent 3', 'her PRON pobj 6')
    )  # fmt: skip
    assert graph.actions == [[3]]
    roles = {role: last for first, role, last in words(graph) if first == 'closed'}
    assert roles == dict(ARG1='book', NEG='not', TMP='then', MNR='slowly', ARG0='her')


def test_a_copula_is_an_action_and_an_auxiliary_is_none():
    graph = graph_of(parse('she PRON nsubj 1', 'is AUX ROOT 1', 'happy ADJ acomp 1'))
    assert graph.actions == [[1]] and ('is', 'ARG2', 'happy') in words(graph)


def test_without_a_verb_the_root_is_the_action_and_nothing_gives_nothing():
    graph = graph_of(parse('a DET det 1', 'light NOUN ROOT 1'))
    assert graph.actions == [[1]] and graph.atoms == [] and words(graph) == {('*', 'EVT', 'light')}
    empty = graph_of([])
    assert empty.actions == [] and empty.edges == []


def test_a_token_is_one_atom_of_two_actions():
    graph = graph_of(parse('person NOUN nsubj 1', 'opens VERB ROOT 1', 'sees VERB conj 1', 'door NOUN dobj 2'))
    assert graph.atoms == [0, 3]
    assert {('opens', 'ARG0', 'person'), ('sees', 'ARG0', 'person')} <= words(graph)


@pytest.mark.parametrize(
    'word, role', [('on', 'LOC'), ('Into', 'DIR'), ('after', 'TMP'), ('for', 'PRP'), ('with', 'COM'), ('of', 'OTHER')]
)
def test_prepositions(word, role):
    assert role_of_preposition(word) == role


@pytest.mark.parametrize('word, role', [('then', 'TMP'), ('back', 'DIR'), ('away', 'DIR'), ('slowly', 'MNR')])
def test_adverbs(word, role):
    assert role_of_adverb(word) == role
