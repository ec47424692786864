import pytest
import torch
from mmengine.model import convert_sync_batchnorm
from torch import nn

from vlplugins.models.layers.switchable import SwitchableBatchNorm1d, SwitchableBatchNorm2d, SwitchableLinear

WIDTHS = (1.0, 0.5, 0.25)


def test_only_the_width_that_ran_updates_its_statistics():
    layer = SwitchableBatchNorm2d(8, WIDTHS)
    layer(torch.randn(4, 4, 2, 2), 0.5)
    assert [int(norm.num_batches_tracked) for norm in layer.bn] == [0, 1, 0]
    assert torch.equal(layer.bn[0].running_mean, torch.zeros(8))


@pytest.mark.parametrize('width, channels', [(1.0, 8), (0.5, 4), (0.25, 2)])
def test_each_width_is_an_ordinary_normalisation(width, channels):
    layer, ordinary = SwitchableBatchNorm1d(8, WIDTHS), nn.BatchNorm1d(channels)
    rows = torch.randn(6, channels) * 3 + 1
    torch.testing.assert_close(layer(rows, width), ordinary(rows))
    layer.eval(), ordinary.eval()
    torch.testing.assert_close(layer(rows, width), ordinary(rows))


def test_index_zero_is_the_full_width_whatever_the_order():
    layer = SwitchableBatchNorm2d(8, (0.25, 1.0, 0.5))
    assert [norm.num_features for norm in layer.bn] == [8, 4, 2]


def numbered():
    layer = SwitchableBatchNorm2d(8, WIDTHS)
    for index, norm in enumerate(layer.bn):
        nn.init.constant_(norm.weight, 10.0 + index)
    return layer


def test_checkpoint_with_widths_in_another_order_is_sorted():
    state = numbered().state_dict()
    order = [2, 1, 0]  # ascending, as the detection files of the original code
    mixed = {'width_order': torch.tensor([WIDTHS[i] for i in order])}
    for new, old in enumerate(order):
        mixed.update({k.replace(f'bn.{old}.', f'bn.{new}.'): v for k, v in state.items() if k.startswith(f'bn.{old}.')})
    layer = SwitchableBatchNorm2d(8, WIDTHS)
    layer.load_state_dict(mixed)
    assert [norm.weight[0].item() for norm in layer.bn] == [10.0, 11.0, 12.0]


@pytest.mark.parametrize('widths', [(1.0, 0.5), (1.0, 0.75, 0.25)])
def test_checkpoint_of_other_widths_is_refused_with_both_lists(widths):
    with pytest.raises(ValueError, match=r'1.0, 0.5, 0.25.*' + str(widths).replace('(', r'\(').replace(')', r'\)')):
        SwitchableBatchNorm2d(8, widths).load_state_dict(numbered().state_dict())


def test_ordinary_normalisation_loads_into_every_width():
    ordinary = nn.BatchNorm2d(8)
    ordinary.weight.data = torch.arange(8.0)
    ordinary.running_mean.copy_(torch.arange(8.0) * 2)
    layer = SwitchableBatchNorm2d(8, WIDTHS)
    layer.load_state_dict(ordinary.state_dict())
    for norm, channels in zip(layer.bn, (8, 4, 2)):
        assert torch.equal(norm.weight, torch.arange(float(channels)))
        assert torch.equal(norm.running_mean, torch.arange(float(channels)) * 2)


def test_round_trip_of_the_state():
    layer = numbered()
    other = SwitchableBatchNorm2d(8, WIDTHS)
    other.load_state_dict(layer.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(layer.state_dict().values(), other.state_dict().values()))


def test_member_without_affine_has_no_parameters():
    assert not list(SwitchableBatchNorm1d(8, WIDTHS, affine=False).parameters())


def test_conversion_to_synchronised_statistics_reaches_every_member():
    converted = convert_sync_batchnorm(nn.Sequential(SwitchableBatchNorm2d(8, WIDTHS)))
    assert all(isinstance(norm, nn.SyncBatchNorm) for norm in converted[0].bn)


def test_switchable_linear_shares_nothing():
    layer = SwitchableLinear(8, 3, widths=WIDTHS)
    layer(torch.randn(2, 2), 0.25).sum().backward()
    assert [linear.weight.grad is None for linear in layer.linears] == [True, True, False]
    assert [tuple(linear.weight.shape) for linear in layer.linears] == [(3, 8), (3, 4), (3, 2)]


def test_ordinary_linear_loads_into_every_width():
    ordinary = nn.Linear(8, 3)
    layer = SwitchableLinear(8, 3, widths=WIDTHS)
    layer.load_state_dict(ordinary.state_dict())
    assert torch.equal(layer.linears[2].weight, ordinary.weight[:, :2])
    assert torch.equal(layer.linears[2].bias, ordinary.bias)
