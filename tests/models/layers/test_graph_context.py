import pytest
import torch

from vlplugins.models.layers import GraphContextStream


def stream(**options):
    torch.manual_seed(0)
    module = GraphContextStream(8, **options).eval()
    for layer in module.layers:
        if layer.role_embed is not None:
            torch.nn.init.normal_(layer.role_embed)
    return module


@torch.no_grad()
def test_each_context_reaches_one_place_further():
    module, mask = stream(num_granularities=3), torch.ones(1, 15, dtype=torch.bool)
    first = torch.randn(1, 15, 8)
    second = first.clone()
    second[0, 7] += 1
    changed = [
        ((one - two).abs() > 1e-6).any(dim=2)[0].nonzero()[:, 0].tolist()
        for one, two in zip(module(first, mask), module(second, mask))
    ]
    assert changed == [[6, 7, 8], [5, 6, 7, 8, 9], [4, 5, 6, 7, 8, 9, 10]]


@pytest.mark.parametrize('role_aware', [True, False])
@torch.no_grad()
def test_time_has_a_direction_only_where_it_is_asked_for(role_aware):
    module, mask = stream(role_aware=role_aware), torch.ones(1, 6, dtype=torch.bool)
    features = torch.randn(1, 6, 8)
    onward, back = module(features, mask)[-1], module(features.flip(1), mask)[-1].flip(1)
    assert torch.allclose(onward, back, atol=1e-5) != role_aware


@torch.no_grad()
def test_padding_is_zero_and_changes_nothing():
    module, features = stream(), torch.randn(1, 5, 8)
    alone = module(features, torch.ones(1, 5, dtype=torch.bool))
    longer = torch.cat([features, torch.full((1, 3, 8), 9.0)], dim=1)
    for one, two in zip(alone, module(longer, torch.arange(8)[None] < 5)):
        torch.testing.assert_close(two[:, :5], one)
        assert not two[:, 5:].any()


def test_no_context_is_a_mistake():
    with pytest.raises(ValueError, match='num_granularities 0'):
        stream(num_granularities=0)
