import numpy as np
import pytest

from vlplugins.structures import SentenceGraph, StatementGraph
from vlplugins.structures.sentence_graph import ROLES
from vlplugins.structures.statement_graph import NUM_STATEMENT_ROLES, STATEMENT_ROLES


def graph(connectives=((0, 1, 'BEFORE'),), negated=(0, 1), shared=False):
    """Of "man opens red door before girl runs"; the girl, or the man, runs."""
    tokens = 'man opens red door before girl runs'.split()
    runner = 0 if shared else 3
    edges = [('event', 0, 'action', 0, 'EVT'), ('event', 0, 'action', 1, 'EVT'), ('action', 0, 'atom', 0, 'ARG0'),
             ('action', 0, 'atom', 2, 'ARG1'), ('atom', 2, 'atom', 1, 'MOD'), ('action', 1, 'atom', runner, 'ARG0'),
             ('action', 0, 'action', 1, 'NEXT')]  # fmt: skip
    sentence = SentenceGraph(tokens, tokens, ['NOUN'] * 7, [[1], [6]], [0, 2, 3, 5], edges)
    return StatementGraph(sentence, list(negated), list(connectives))


def role(name):
    return STATEMENT_ROLES.index(name)


def test_the_table_of_roles_is_that_of_the_design():
    numbers = dict(BEFORE=33, AFTER=34, WHILE=35, CAUSE=36, COND=38, THEN=40, AND=42, BUT=43, COREF=44, SHARE=45)
    assert NUM_STATEMENT_ROLES == 46 and {name: role(name) for name in numbers} == numbers
    assert STATEMENT_ROLES[:16] == ROLES and role('SELF') == 32


def test_json_and_back():
    content = graph().to_dict()
    assert StatementGraph.from_dict(content) == graph()
    # An atom that is reached through another one belongs to the event too.
    assert content['events'] == [
        dict(span=[1], atoms=[0, 1, 2], negated=0), dict(span=[6], atoms=[3], negated=1)
    ]  # fmt: skip


@pytest.mark.parametrize(
    'changes, match',
    [
        (dict(connectives=[(0, 2, 'AND')]), '2 events'),
        (dict(connectives=[(0, 0, 'AND')]), '2 events'),
        (dict(connectives=[(0, 1, 'SHARE')]), 'BEFORE'),
        (dict(negated=[0]), 'negated'),
        (dict(negated=[0, 2]), 'negated'),
    ],
)
def test_what_does_not_fit_is_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        graph(**changes).check()


@pytest.mark.parametrize('field', ['events', 'connectives'])
def test_missing_fields_are_named(field):
    content = graph().to_dict()
    del content[field]
    with pytest.raises(ValueError, match=field):
        StatementGraph.from_dict(content)


def edges(found):
    return {tuple(row) for row in found.to_arrays().edges.tolist()}


def test_before_and_after_are_inverse():
    assert edges(graph([(0, 1, 'BEFORE')])) == edges(graph([(1, 0, 'AFTER')]))
    assert edges(graph([(0, 1, 'BEFORE')])) != edges(graph([(0, 1, 'AFTER')]))
    assert edges(graph([(0, 1, 'WHILE')])) == edges(graph([(1, 0, 'WHILE')]))


def test_connectives_take_the_place_of_next_and_every_edge_has_an_inverse():
    found = edges(graph([(0, 1, 'CAUSE')]))
    assert not any(kind in (role('NEXT'), role('NEXT-inverse')) for *_, kind in found)
    assert (1, 2, role('CAUSE')) in found and (2, 1, role('CAUSE-inverse')) in found
    assert {(0, 1, role('EVT')), (1, 0, role('EVT-inverse')), (4, 4, role('SELF'))} <= found


def test_events_share_atoms():
    assert not any(kind == role('SHARE') for *_, kind in edges(graph()))
    assert {(1, 2, role('SHARE')), (2, 1, role('SHARE'))} <= edges(graph(shared=True))


def test_arrays_are_means():
    arrays = graph().to_arrays()
    np.testing.assert_allclose(arrays.event_words[0], [0.25, 0.25, 0.25, 0.25, 0, 0, 0])
    np.testing.assert_allclose(arrays.event_spans[1], [0, 0, 0, 0, 0, 0, 1])
    assert arrays.atom_spans.argmax(axis=1).tolist() == [0, 2, 3, 5] and arrays.negated.tolist() == [0, 1]


def test_truncation_drops_connectives_of_events_that_are_gone():
    cut = graph().truncate(5, 6, 16)
    assert cut.connectives == [] and cut.negated == [0] and len(cut.tokens) == 5
    assert graph().truncate(48, 1, 16).connectives == []


@pytest.mark.parametrize(
    'connectives, kind',
    [
        ([], 'none'),
        ([(0, 1, 'AND')], 'other'),
        ([(0, 1, 'CAUSE')], 'cause'),
        ([(0, 1, 'CAUSE'), (0, 1, 'WHILE')], 'time'),
    ],
)
def test_kind_of_connectives(connectives, kind):
    assert graph(connectives).kind_of_connectives() == kind
