import numpy as np
import pytest
from mmengine.registry import init_default_scope

from tests.helpers.grounding import graph
from vlplugins.datasets.transforms import LoadQueryGraph, ShuffleQueryGraph, TokenizeQuery, sentence_graph
from vlplugins.utils.word_vectors import write_word_vectors


@pytest.fixture
def words(tmp_path):
    init_default_scope('vlplugins')
    write_word_vectors(tmp_path / 'w.npz', ['person', 'opens', 'the', 'door', '.'], np.eye(5))
    return dict(type='WordTokenizer', vocabulary=str(tmp_path / 'w.npz'))


def test_arrays_of_the_graph_are_added():
    results = LoadQueryGraph().transform(dict(graph=graph(with_adjective=True)))
    assert results['action_spans'].tolist() == [[0, 1, 0, 0, 0, 0]] and results['atom_index'].tolist() == [0, 3, 4]
    assert results['parents'].tolist() == [[1], [1], [1]] and results['guide'].all()


def test_long_queries_are_cut_and_the_first_is_told(monkeypatch):
    told = []
    monkeypatch.setattr(sentence_graph, 'print_log', lambda message, *_, **__: told.append(message))
    step = LoadQueryGraph(max_tokens=4, max_actions=1, max_atoms=2)
    for number in range(3):
        results = step.transform(dict(graph=graph(with_adjective=True), query_id=f'q{number}'))
        assert len(results['graph'].tokens) == 4 and results['atom_index'].tolist() == [0, 3]
    assert step.num_truncated == 3 and len(told) == 1 and 'the first: q0' in told[0]
    step.transform(dict(graph=graph().truncate(4, 1, 1)))
    assert step.num_truncated == 3


@pytest.mark.parametrize(
    'results, message',
    [
        (dict(query_id='q'), 'the query q has no graph'),
        (dict(query_id='q', graph=graph().truncate(1, 1, 1)), 'q has no action among its first 16'),
    ],
)
def test_without_graph_or_action(results, message):
    with pytest.raises(ValueError, match=message):
        LoadQueryGraph().transform(results)
    with pytest.raises(ValueError, match='above 0'):
        LoadQueryGraph(max_atoms=0)


def test_ids_follow_the_tokens_of_the_graph(words):
    results = TokenizeQuery(words).transform(dict(graph=graph(with_adjective=True)))
    assert results['tokens'].tolist() == [2, 3, 4, 1, 5, 6]


def test_words_are_dropped_but_never_the_verb(words):
    step = TokenizeQuery(words, word_dropout=0.5, rng=np.random.default_rng(0))
    drawn = np.array([step.transform(dict(graph=graph()))['tokens'] for _ in range(400)])
    shares = (drawn == 1).mean(axis=0)
    assert shares[1] == 0 and (np.abs(np.delete(shares, 1) - 0.5) < 0.1).all()
    everything = TokenizeQuery(words, word_dropout=1.0).transform(dict(graph=graph()))['tokens']
    assert everything.tolist() == [1, 3, 1, 1, 1]


def test_a_query_of_unknown_words_is_used_with_one_warning(words, monkeypatch):
    told = []
    monkeypatch.setattr(sentence_graph, 'print_log', lambda message, *_, **__: told.append(message))
    step = TokenizeQuery(words)
    unknown = graph().truncate(1, 1, 1).__class__(['x', 'y'], ['x', 'y'], ['NOUN', 'VERB'], [[1]], [0], [])
    for _ in range(2):
        assert step.transform(dict(graph=unknown, sentence='x y'))['tokens'].tolist() == [1, 1]
    assert len(told) == 1 and "'x y'" in told[0]
    with pytest.raises(ValueError, match='word_dropout 2'):
        TokenizeQuery(words, word_dropout=2)


def test_words_of_nodes_are_exchanged_the_same_way_for_a_query():
    def arrays(name):
        results = LoadQueryGraph().transform(dict(graph=graph(with_adjective=True), query_id=name))
        results = ShuffleQueryGraph().transform(results)
        return (int(results['action_spans'].argmax()), *results['atom_index'].tolist()), results

    found = {name: arrays(name)[0] for name in map(str, range(40))}
    assert all(sorted(order) == [0, 1, 3, 4] for order in found.values()) and len(set(found.values())) > 10
    assert all(arrays(name)[0] == order for name, order in found.items())
    _, results = arrays('0')
    assert (
        results['action_spans'].sum() == 1
        and results['edges'].tolist() == graph(with_adjective=True).to_arrays().edges.tolist()
    )
