import json

import numpy as np
import pytest

from vlplugins.structures.sentence_graph import NUM_ROLES, ROLES, SELF_ROLE, SentenceGraph

# "person puts a red book on a shelf ."
CONTENT = dict(
    tokens=['person', 'puts', 'a', 'red', 'book', 'on', 'a', 'shelf', '.'],
    lemmas=['person', 'put', 'a', 'red', 'book', 'on', 'a', 'shelf', '.'],
    pos=['NOUN', 'VERB', 'DET', 'ADJ', 'NOUN', 'ADP', 'DET', 'NOUN', 'PUNCT'],
    actions=[[1]],
    atoms=[0, 3, 4, 7],
    edges=[
        ['event', 0, 'action', 0, 'EVT'],
        ['action', 0, 'atom', 0, 'ARG0'],
        ['action', 0, 'atom', 2, 'ARG1'],
        ['action', 0, 'atom', 3, 'LOC'],
        ['atom', 2, 'atom', 1, 'MOD'],
    ],
)


def graph(**changes):
    return SentenceGraph.from_dict({**CONTENT, **changes})


def test_roles_have_the_stated_numbers():
    assert len(ROLES) == 16 and SELF_ROLE == 32 and NUM_ROLES == 33
    assert ROLES.index('ARG0') == 1 and ROLES.index('NEXT') == 15


def test_json_round_trip():
    assert SentenceGraph.from_dict(json.loads(json.dumps(graph().to_dict()))) == graph()


def test_arrays_by_hand():
    arrays = graph().to_arrays()
    assert arrays.action_spans.tolist() == [[0, 1, 0, 0, 0, 0, 0, 0, 0]]
    assert arrays.atom_index.tolist() == [0, 3, 4, 7]
    # Nodes: 0 event, 1 action, 2..5 atoms.
    assert arrays.edges.tolist() == [[0, 1, 0], [1, 2, 1], [1, 4, 2], [1, 5, 4], [4, 3, 12]]
    # The adjective has the action of its noun.
    assert arrays.parents.tolist() == [[1], [1], [1], [1]] and arrays.guide.all()


def test_span_of_two_tokens_is_their_mean_and_parents_are_shared():
    edges = [['event', 0, 'action', 0, 'EVT'], ['action', 0, 'atom', 0, 'ARG0'], ['action', 1, 'atom', 0, 'ARG0']]
    arrays = graph(actions=[[1, 5], [4]], atoms=[0, 7], edges=edges).to_arrays()
    assert arrays.action_spans[0, [1, 5]].tolist() == [0.5, 0.5]
    assert arrays.parents.tolist() == [[0.5, 0.5], [0, 0]]


def test_a_chain_of_modifiers_has_the_action_of_its_first_atom():
    edges = [['atom', 2, 'atom', 3, 'NMOD'], ['atom', 1, 'atom', 2, 'NMOD'], ['action', 0, 'atom', 1, 'ARG1']]
    assert graph(edges=edges).to_arrays().parents.tolist() == [[0], [1], [1], [1]]


def test_negations_and_adverbs_of_time_do_not_guide():
    edges = [['action', 0, 'atom', 0, 'NEG'], ['action', 0, 'atom', 1, 'TMP'], ['action', 0, 'atom', 2, 'TMP']]
    pos = ['PART', 'VERB', 'DET', 'ADV', 'NOUN', 'ADP', 'DET', 'NOUN', 'PUNCT']
    assert graph(edges=edges, pos=pos).to_arrays().guide.tolist() == [True, False, False, True, True]


def test_truncation_drops_nodes_and_their_edges():
    short = graph().truncate(5, 4, 8)
    assert short.tokens == CONTENT['tokens'][:5] and short.atoms == [0, 3, 4]
    assert len(short.edges) == 4 and not any(role == 'LOC' for *_, role in short.edges)
    short.check()
    few = graph().truncate(99, 0, 2)
    assert few.actions == [] and few.atoms == [0, 3] and few.edges == []
    assert few.to_arrays().edges.shape == (0, 3)
    assert graph(actions=[[1, 5]]).truncate(4, 4, 8).actions == [[1]]


def test_graph_without_atoms():
    arrays = graph(atoms=[], edges=[]).to_arrays()
    assert arrays.atom_index.shape == (0,) and arrays.parents.shape == (0, 1)


@pytest.mark.parametrize(
    'changes, message',
    [
        (dict(atoms=[0, 9, 4, 7]), 'atoms has the token 9 of 9'),
        (dict(actions=[[]]), 'without tokens'),
        (dict(lemmas=[]), 'lemmas and pos have 0'),
        (dict(edges=[['action', 1, 'atom', 0, 'ARG0']]), r"edges has \['action', 1"),
        (dict(edges=[['action', 0, 'atom', 0, 'AGENT']]), 'AGENT.*roles are'),
        (dict(edges=[['verb', 0, 'atom', 0, 'ARG0']]), "edges has .'verb'"),
    ],
)
def test_malformed_graphs_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        graph(**changes)


def test_a_missing_field_is_named():
    with pytest.raises(ValueError, match="'pos' is missing"):
        SentenceGraph.from_dict({key: value for key, value in CONTENT.items() if key != 'pos'})


def test_parents_are_rows_that_sum_to_one_or_zero():
    sums = graph(edges=CONTENT['edges'][:3]).to_arrays().parents.sum(axis=1)
    assert np.isin(sums, (0, 1)).all()
