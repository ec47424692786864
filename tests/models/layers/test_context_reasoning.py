import pytest
import torch

from vlplugins.models.layers import ContextReasoningIntegration


def make(**options):
    torch.manual_seed(0)
    return ContextReasoningIntegration(8, 3, **options).eval()


def inputs(batch=2, length=5):
    generator = torch.Generator().manual_seed(1)
    contexts = [torch.randn(batch, length, 8, generator=generator) for _ in range(3)]
    mask = torch.arange(length)[None] < torch.tensor([[length], [length - 2]])[:batch]
    return torch.randn(batch, length, 8, generator=generator), contexts, mask


def test_weights_are_of_each_line_over_its_contexts():
    features, weights = make()(*inputs())
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(2, 5))
    assert not torch.allclose(weights[0, 0], weights[0, 1], atol=1e-4) and not weights.requires_grad
    assert features.shape == (2, 5, 8) and not features[1, 3:].any() and features[1, 2].any()


def test_lines_do_not_see_each_other():
    x, contexts, mask = inputs()
    module = make()
    before = module(x, contexts, mask)[0]
    x, contexts = x.clone(), [each.clone() for each in contexts]
    x[0, 0] += 1
    contexts[1][0, 0] += 1
    after = module(x, contexts, mask)[0]
    assert torch.equal(before[0, 1:], after[0, 1:]) and not torch.allclose(before[0, 0], after[0, 0])


def test_contexts_are_told_apart():
    x, contexts, mask = inputs()
    module = make()
    torch.nn.init.normal_(module.granularity_embed)
    swapped = module(x, contexts[::-1], mask)[0]
    assert not torch.allclose(module(x, contexts, mask)[0], swapped, atol=1e-3)
    torch.nn.init.zeros_(module.granularity_embed)
    torch.testing.assert_close(module(x, contexts, mask)[0], module(x, contexts[::-1], mask)[0])


def test_without_reasoning_it_equals_the_equations():
    module = make(num_rounds=0)
    x, contexts, mask = inputs()
    features, weights = module(x, contexts, mask)
    for line in range(3):
        nodes = [context[1, line] + module.granularity_embed[g] for g, context in enumerate(contexts)]
        logits = torch.stack([module.query(x[1, line]) @ module.key(node) / 8**0.5 for node in nodes])
        a = logits.softmax(dim=0)
        c = sum(weight * node for weight, node in zip(a, nodes))
        gate = torch.sigmoid(module.gate(torch.cat([x[1, line], c])))
        torch.testing.assert_close(weights[1, line], a.detach())
        torch.testing.assert_close(features[1, line], x[1, line] + gate * module.value(c), atol=1e-5, rtol=1e-4)


def test_reasoning_over_all_lines_at_once_equals_a_loop_over_lines():
    module = make()
    _, contexts, _ = inputs()
    nodes = torch.stack(contexts, dim=2)
    found = module.reason(nodes)
    for clip in range(2):
        for line in range(5):
            row = nodes[clip, line][None] + module.granularity_embed
            for each in module.rounds:
                row = each.norm(row + each.attention(row, row, row)[0])
            torch.testing.assert_close(found[clip, line], row[0], atol=1e-5, rtol=1e-4)


def test_ablations_have_no_parameters():
    x, contexts, mask = inputs()
    mean, last = make(integration='mean'), make(integration='last')
    assert not list(mean.parameters()) and not list(last.parameters())
    expected = (x + sum(contexts) / 3) * mask[..., None]
    torch.testing.assert_close(mean(x, contexts, mask)[0], expected)
    assert torch.equal(last(x, contexts, mask)[0], (x + contexts[2]) * mask[..., None])
    assert last(x, contexts, mask)[1][0, 0].tolist() == [0, 0, 1]


def learn_to_choose(integration):
    """Accuracy at the sign of one number of the context that the line itself names, learned from scratch."""
    torch.manual_seed(0)
    module = ContextReasoningIntegration(8, 3, num_rounds=1, num_heads=2, integration=integration, dropout=0.0)
    read_out = torch.nn.Linear(8, 1)
    optimizer = torch.optim.Adam([*module.parameters(), *read_out.parameters()], lr=0.01)
    mask = torch.ones(1, 256, dtype=torch.bool)
    for _ in range(400):
        contexts = [torch.randn(1, 256, 8) for _ in range(3)]
        named = torch.randint(3, (1, 256))
        line = 3 * torch.nn.functional.one_hot(named, 8).float()
        truth = torch.stack([each[..., 5] > 0 for each in contexts]).gather(0, named[None])[0]
        logits = read_out(module(line, contexts, mask)[0])[..., 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return ((logits > 0) == truth).float().mean().item()


def test_a_line_can_choose_its_context_and_the_mean_cannot():
    """The mean of three contexts tells the sign of one of them with probability 1/2 + arcsin(1/sqrt(3))/pi = 0.70."""
    assert learn_to_choose('adaptive') > 0.9
    assert learn_to_choose('mean') < 0.78


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="integration 'sum' is unknown"):
        make(integration='sum')
    with pytest.raises(ValueError, match='channels 8 cannot be divided among num_heads 3'):
        make(num_heads=3)
    with pytest.raises(ValueError, match='2 contexts for num_granularities=3'):
        x, contexts, mask = inputs()
        make()(x, contexts[:2], mask)
