import pytest
import torch

from tests.helpers.violin import packed
from vlplugins.models.backbones import StatementGraphEncoder
from vlplugins.models.data_preprocessors.inference import pad_statements
from vlplugins.structures.sentence_graph import ROLES, SELF_ROLE

TEXTS = ('man opens saying coffee before girl lifts', 'girl lifts')


@pytest.fixture
def statements():
    return pad_statements([packed(text)['inputs']['statements'][0] for text in TEXTS])


def encode(statements, **options):
    torch.manual_seed(0)
    encoder = StatementGraphEncoder(8, heads=2, dropout=0.0, **options).eval()
    words = torch.randn(2, statements['tokens'].size(1), 8)
    return encoder, words, encoder(words, statements)


@torch.no_grad()
def test_events_and_atoms_are_means_of_their_words(statements):
    statements['negated'] = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    encoder, words, found = encode(statements, layers=0)
    states = encoder.context(words, torch.tensor([7, 2]))
    torch.testing.assert_close(found.whole, torch.stack([states[0].mean(dim=0), states[1, :2].mean(dim=0)]))
    # Verb with context; the same verb and its atoms without; whether it is negated.
    events = [(0, 0, 1, [0, 1, 3], 0), (0, 1, 6, [5, 6], 1), (1, 0, 1, [0, 1], 0)]
    for row, number, verb, owned, negated in events:
        expected = states[row, verb] + words[row, owned].mean(dim=0) + encoder.negation[negated]
        torch.testing.assert_close(found.events[row, number], expected)
    assert found.event_mask.tolist() == [[True, True], [True, False]] and not found.events[1, 1].any()
    assert found.rows.tolist() == [[0, 0], [0, 1], [1, 0]]
    # What is claimed: the events, then the atoms.
    torch.testing.assert_close(found.memory[0], torch.cat([found.events[0], words[0, [0, 3, 5]]]))
    assert found.memory_mask.sum(dim=1).tolist() == [5, 2]
    assert torch.equal(found.roles, statements['roles'][:, :, :3, :3])


@torch.no_grad()
def test_without_structure_the_statement_is_one_event_of_all_words(statements):
    encoder, words, found = encode(statements, layers=0, structure=False)
    assert torch.equal(found.events[:, 0], found.whole) and found.rows.tolist() == [[0, 0], [1, 0]]
    torch.testing.assert_close(found.memory[:, 1:], words * statements['token_mask'][..., None])
    assert found.memory_mask.sum(dim=1).tolist() == [8, 3]
    event = ROLES.index('EVT')
    assert found.roles[0].nonzero().tolist() == sorted(
        [[event, 0, 1], [event + len(ROLES), 1, 0], [SELF_ROLE, 0, 0], [SELF_ROLE, 1, 1]]
    )


@torch.no_grad()
def test_what_hangs_together_is_exchanged(statements):
    _, _, alone = encode(statements, layers=0)
    encoder, words, found = encode(statements)
    assert not torch.allclose(found.events[0], alone.events[0], atol=0.1)
    # "coffee" belongs to the first event alone, and reaches the second one by their edge.
    changed = words.clone()
    changed[0, 3] += 1
    encoder.context.forward = lambda words, lengths: torch.zeros_like(words)
    before, after = (encoder(each, statements).events[0, 1] for each in (words, changed))
    assert not torch.allclose(before, after, atol=1e-4)
    roles = statements['roles'].clone()
    roles[:, :, 1:3, 1:3] = roles[:, :, 0] = roles[:, :, :, 0] = False
    cut = dict(statements, roles=roles)
    before, after = (encoder(each, cut).events[0, 1] for each in (words, changed))
    assert torch.equal(before, after)
