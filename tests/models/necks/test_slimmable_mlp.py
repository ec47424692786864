import pytest
import torch
import torch.nn.functional as F

from vlplugins.models.necks import SlimmableMLPNeck

WIDTHS = (1.0, 0.5)


def make_neck(**options):
    torch.manual_seed(0)
    return SlimmableMLPNeck(8, 12, 4, widths=WIDTHS, avg_pool=False, init_std=0.3, **options)


@pytest.mark.parametrize('width, inputs, hidden', [(1.0, 8, 12), (0.5, 4, 6)])
def test_two_layers_equal_their_formula_on_the_leading_weights(width, inputs, hidden):
    """The projector of MoCo v2: the embedding keeps its size."""
    neck, rows = make_neck(), torch.randn(3, inputs)
    first = F.relu(rows @ neck.fc0.weight[:hidden, :inputs].T + neck.fc0.bias[:hidden])
    torch.testing.assert_close(neck(rows, width), first @ neck.fc1.weight[:, :hidden].T + neck.fc1.bias)


def test_normalised_layers_have_one_normalisation_per_width():
    """The projector of MoCo v3: no bias, the last normalisation without scale and shift."""
    neck = make_neck(bias=False, with_bn=True, last_bn=True).train()
    assert neck.fc0.bias is None and not list(neck.bn1.parameters()) and len(list(neck.bn0.parameters())) == 4
    rows = torch.randn(16, 4)
    outputs = neck(rows, 0.5)
    torch.testing.assert_close(outputs.mean(dim=0), torch.zeros(4), atol=1e-5, rtol=0)
    torch.testing.assert_close(outputs.var(dim=0, unbiased=False), torch.ones(4), atol=1e-2, rtol=0)
    assert [int(each.num_batches_tracked) for each in neck.bn0.members] == [0, 1]


def test_predictor_takes_the_same_embedding_at_every_width():
    neck = SlimmableMLPNeck(8, 12, 8, widths=WIDTHS, avg_pool=False, slim_input=False)
    assert neck(torch.randn(2, 8), 1.0).shape == neck(torch.randn(2, 8), 0.5).shape == (2, 8)


def test_maps_are_averaged():
    neck = SlimmableMLPNeck(8, 12, 4, widths=WIDTHS, num_layers=1)
    maps = (torch.randn(2, 2, 9, 9), torch.randn(2, 8, 3, 3))
    expected = maps[-1].mean(dim=(2, 3)) @ neck.fc0.weight.T + neck.fc0.bias
    torch.testing.assert_close(neck(maps), expected)


def test_switchable_layers_share_nothing():
    neck = make_neck(kind='switchable')
    neck(torch.randn(2, 4), 0.5).sum().backward()
    assert neck.fc0.linears[0].weight.grad is None and neck.fc0.linears[1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(kind='x'), "kind 'x' is unknown"),
        (dict(num_layers=0), 'num_layers 0'),
        (dict(bias=(True,)), '1 bias values for 2 layers'),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make_neck(**options)
