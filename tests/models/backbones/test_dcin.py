import pytest
import torch

from vlplugins.models.backbones import DilatedContextIntegratedBranch
from vlplugins.models.backbones.dcin import describe_times


def branch(**options):
    torch.manual_seed(0)
    return DilatedContextIntegratedBranch(5, 8, **options).eval()


def inputs():
    torch.manual_seed(1)
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    times = torch.arange(24.0).view(2, 6, 2)
    return torch.randn(2, 6, 5), mask, times


def test_features_and_weights_of_each_line():
    features, weights = branch()(*inputs())
    assert features.shape == (2, 6, 8) and weights.shape == (2, 6, 4)
    assert not features[1, 4:].any() and features[1, :4].any(dim=1).all()


def test_a_long_neighbour_in_the_batch_changes_nothing():
    """Biases of 1: a padded place that is not silenced before each convolution would be heard four dilations later."""
    module = branch()
    for name, parameter in module.named_parameters():
        if name.endswith('bias'):
            torch.nn.init.ones_(parameter)
    x = torch.randn(1, 7, 5)
    alone, _ = module(x, torch.ones(1, 7, dtype=torch.bool))
    padded = torch.cat([torch.cat([x, torch.zeros(1, 101, 5)], dim=1), torch.randn(1, 108, 5)])
    mask = torch.arange(108)[None] < torch.tensor([[7], [108]])
    beside, _ = module(padded, mask)
    torch.testing.assert_close(beside[:1, :7], alone, atol=1e-5, rtol=1e-5)


def test_streams_can_be_switched_off():
    x, mask, _ = inputs()
    without = branch(coarse=None)
    assert without.num_granularities == 1 and without(x, mask)[1].shape == (2, 6, 1)
    # Every line for itself.
    other = x.clone()
    other[0, 0] += 1
    assert torch.equal(without(x, mask)[0][0, 1:], without(other, mask)[0][0, 1:])
    features, weights = branch(fine=None)(x, mask)
    assert weights is None and features.shape == (2, 6, 8)
    names = {name.split('.')[0] for name, _ in branch(coarse=None, fine=None).named_parameters()}
    assert names == {'embed', 'norm'}


def test_time_encoding_starts_at_zero_and_is_needed_where_asked_for():
    x, mask, times = inputs()
    plain, timed = branch(), branch(time_encoding=True)
    timed.load_state_dict(plain.state_dict(), strict=False)
    torch.testing.assert_close(timed(x, mask, times)[0], plain(x, mask)[0])
    torch.nn.init.ones_(timed.time_embed.weight)
    torch.nn.init.normal_(timed.time_embed.bias)
    assert not torch.allclose(timed(x, mask, times)[0], plain(x, mask)[0])
    with pytest.raises(ValueError, match='needs the times'):
        timed(x, mask)


def test_four_numbers_of_time_by_hand():
    times = torch.tensor([[[0.0, 1.0], [3.0, 4.0], [3.0, 4.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, True, False]])
    found = describe_times(times, mask)[0, :3]
    log = torch.tensor([1.0, 2.0]).log1p()
    expected = torch.tensor([[log[0], 0, 0, 0.25], [log[0], log[1], 0.75, 1], [log[0], 0, 0.75, 1]])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('operator', ['conv', 'attention'])
def test_gradients_reach_every_parameter(operator):
    module = branch(
        coarse=dict(type='DilatedContextStream', dilations=(1, 2), operator=operator), time_encoding=True
    ).train()
    x, mask, times = inputs()
    features, _ = module(x, mask, times)
    (features * torch.randn_like(features)).sum().backward()
    silent = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.any()]
    # A bias of all keys moves no softmax.
    assert silent in ([], ['fine.key.bias']), silent
