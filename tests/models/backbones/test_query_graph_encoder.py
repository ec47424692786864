import numpy as np
import pytest
import torch

from tests.helpers.grounding import batch, graph, packed
from vlplugins.models.backbones import QueryGraphEncoder
from vlplugins.models.data_preprocessors import GroundingDataPreprocessor
from vlplugins.utils.word_vectors import write_word_vectors

NAMES = ('tokens', 'token_lengths', 'action_spans', 'atom_index', 'node_mask', 'roles')


def make(**options):
    torch.manual_seed(0)
    options = {'vocab_size': 12, 'word_channels': 10, **options}
    encoder = QueryGraphEncoder(dim=16, heads=2, **options).eval()
    for layer in encoder.layers:
        if layer.role_embed is not None:
            torch.nn.init.normal_(layer.role_embed)
    return encoder


def inputs(*samples):
    found = GroundingDataPreprocessor()(batch(*samples))['inputs']
    return {name: found[name] for name in NAMES}


@torch.no_grad()
def test_context_free_states_by_hand():
    encoder, found = make(), inputs(packed(0, sentence_graph=graph(with_adjective=True)))
    nodes = encoder(**found)
    words = encoder.project(encoder.words(found['tokens']))[0]
    torch.testing.assert_close(nodes.context_free['action'][0, 0], words[1] + encoder.level_embed[1])
    for atom, token in enumerate((0, 3, 4)):
        torch.testing.assert_close(nodes.context_free['atom'][0, atom], words[token] + encoder.level_embed[2])
    assert {level: tuple(each.shape) for level, each in nodes.reasoned.items()} == dict(
        event=(1, 1, 16), action=(1, 1, 16), atom=(1, 3, 16)
    )


@torch.no_grad()
def test_an_action_of_two_words_is_their_mean():
    encoder, found = make(), inputs(packed(0))
    found['action_spans'] = torch.tensor([[[0, 0.5, 0.5, 0, 0]]])
    words = encoder.project(encoder.words(found['tokens']))[0]
    expected = (words[1] + words[2]) / 2 + encoder.level_embed[1]
    torch.testing.assert_close(encoder(**found).context_free['action'][0, 0], expected)


@torch.no_grad()
def test_another_noun_changes_the_verb_only_where_states_know_the_sentence():
    encoder, found = make(), inputs(packed(0))
    before = encoder(**found)
    found['tokens'][0, 3] = 2 + (found['tokens'][0, 3] - 1) % 10
    after = encoder(**found)
    assert torch.equal(before.context_free['action'], after.context_free['action'])
    assert not torch.allclose(before.context_free['atom'][0, 1], after.context_free['atom'][0, 1])
    for level in ('event', 'action'):
        assert not torch.allclose(before.reasoned[level], after.reasoned[level])


@pytest.mark.parametrize('role_aware', [True, False])
@torch.no_grad()
def test_exchanged_roles_matter_only_where_they_are_asked_to(role_aware):
    encoder, found = make(role_aware=role_aware), inputs(packed(0))
    before = encoder(**found).reasoned['action']
    exchanged = found['roles'].clone()
    for one, two in ((1, 2), (17, 18)):
        exchanged[:, [one, two]] = found['roles'][:, [two, one]]
    after = encoder(**{**found, 'roles': exchanged}).reasoned['action']
    assert torch.equal(before, after) != role_aware


@torch.no_grad()
def test_a_longer_neighbour_changes_nothing():
    encoder, short, long = make(), packed(0), packed(1, sentence_graph=graph(with_adjective=True))
    alone, beside = encoder(**inputs(short)), encoder(**inputs(short, long))
    for one, two in ((alone.reasoned, beside.reasoned), (alone.context_free, beside.context_free)):
        for level, states in one.items():
            count = states.size(1)
            torch.testing.assert_close(two[level][:1, :count], states, atol=1e-5, rtol=1e-5)
            assert not two[level][0, count:].any()


def test_word_vectors_stay_and_gradients_reach_the_rest(tmp_path):
    path = tmp_path / 'words.npz'
    vectors = np.random.default_rng(0).standard_normal((10, 6))
    write_word_vectors(path, [f'w{number}' for number in range(10)], vectors)
    encoder = make(word_vectors=str(path), vocab_size=None).train()
    table = encoder.words.weight
    np.testing.assert_allclose(table[2:].numpy(), vectors, rtol=1e-6)
    assert not table[0].any() and table[1].any() and not table.requires_grad
    before = table.clone()
    nodes = encoder(**inputs(packed(0), packed(1, sentence_graph=graph(with_adjective=True))))
    targets = [*nodes.reasoned.values(), *nodes.context_free.values()]
    sum((each * torch.randn_like(each)).sum() for each in targets).backward()
    trained = [p for p in encoder.parameters() if p.requires_grad]
    torch.optim.SGD(trained, lr=0.1).step()
    assert torch.equal(encoder.words.weight, before)
    silent = [
        name for name, p in encoder.named_parameters() if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    assert silent == []


def test_words_are_trained_where_it_is_asked_for():
    assert make(freeze_words=False).words.weight.requires_grad


@pytest.mark.parametrize('options', [dict(vocab_size=None), dict(word_vectors='words.npz')])
def test_vectors_come_from_one_place(options):
    with pytest.raises(ValueError, match='one of word_vectors=.* must be given'):
        make(**options)
