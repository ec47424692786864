import pytest
import torch

from tests.helpers.grounding import batch, graph, packed
from vlplugins.models.data_preprocessors import GroundingDataPreprocessor


def prepare(*samples):
    return GroundingDataPreprocessor()(batch(*samples))['inputs']


def test_shapes_and_masks_of_graphs_of_two_sizes():
    inputs = prepare(packed(0, length=5), packed(1, length=8, sentence_graph=graph(with_adjective=True)))
    assert inputs['video'].shape == (2, 8, 6) and inputs['video_mask'].sum(dim=1).tolist() == [5, 8]
    assert inputs['tokens'].shape == (2, 6) and inputs['token_lengths'].tolist() == [5, 6]
    assert inputs['action_spans'].shape == (2, 1, 6) and inputs['atom_index'].tolist() == [[0, 3, 0], [0, 3, 4]]
    assert inputs['node_mask'].tolist() == [[True] * 4 + [False], [True] * 5]
    assert inputs['guide_mask'].tolist() == [[True] * 3 + [False], [True] * 4]
    assert inputs['parents'][0, :, 0].tolist() == [1, 1, 0] and inputs['objects'] is None
    assert 'mask' not in inputs and 'present' not in inputs


def test_roles_have_inverses_and_self_edges():
    first = graph(with_adjective=True)
    two = first.__class__(**{**first.__dict__, 'actions': [[1], [2]]})
    roles = prepare(packed(0, sentence_graph=first), packed(1, sentence_graph=two))['roles']
    expected = torch.zeros_like(roles)
    # The first graph has one action: its atoms move up by one; edges (source, target, role).
    for sample, atom in ((0, 3), (1, 3)):
        for source, target, role in ((0, 1, 0), (1, atom, 1), (1, atom + 2, 2), (atom + 2, atom + 1, 12)):
            expected[sample, role, source, target] = expected[sample, role + 16, target, source] = True
    for node in range(6):
        expected[0, 32, node, node] = node != 2
        expected[1, 32, node, node] = True
    assert torch.equal(roles, expected)


def test_graph_without_atoms():
    first = graph()
    bare = first.__class__(**{**first.__dict__, 'atoms': [], 'edges': [('event', 0, 'action', 0, 'EVT')]})
    inputs = prepare(packed(0, sentence_graph=bare))
    assert inputs['node_mask'].tolist() == [[True, True, False]] and inputs['parents'].shape == (1, 1, 1)


def test_objects_are_stacked():
    assert prepare(packed(0, objects=(4, 2, 5)), packed(1, objects=(4, 2, 5)))['objects'].shape == (2, 4, 2, 5)


def test_query_without_tokens_is_refused():
    sample = packed(0)
    sample['inputs']['query']['tokens'] = torch.zeros(0, dtype=torch.long)
    with pytest.raises(ValueError, match='no tokens'):
        prepare(sample)
