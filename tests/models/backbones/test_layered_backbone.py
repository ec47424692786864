import pytest
import torch
from torch import nn

from vlplugins.models.backbones import LayeredBackbone
from vlplugins.registry import MODELS

ATTENTION = dict(type='JointTimeAttention', channels=8)


@pytest.fixture(autouse=True)
def _backbones():
    @MODELS.register_module('_Given', force=True)
    class Given(nn.Module):
        """Gives what it gets."""

        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(()))

        def forward(self, x):
            return [each * self.weight for each in x] if isinstance(x, list) else x * self.weight

    yield
    MODELS.module_dict.pop('_Given')


def test_layers_follow_on_maps_of_any_leading_axes():
    model = LayeredBackbone(dict(type='_Given'), [ATTENTION, ATTENTION]).eval()
    maps = torch.randn(3, 2, 8, 6, 5)
    found = model(maps)
    for n in range(3):
        for m in range(2):
            one = maps[n, m][None]
            for layer in model.layers[0]:
                one = layer(one)
            torch.testing.assert_close(found[n, m], one[0])
    torch.testing.assert_close(model(maps[:, 0]), found[:, 0])


def test_several_maps_have_layers_of_their_own_and_all_learn():
    model = LayeredBackbone(dict(type='_Given'), [ATTENTION], num_maps=2)
    one, two = model([torch.randn(4, 8, 6, 5), torch.randn(4, 8, 3, 2)])
    assert one.shape == (4, 8, 6, 5) and two.shape == (4, 8, 3, 2)
    (one.square().sum() + two.square().sum()).backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in model.parameters())


def test_what_does_not_fit_is_told():
    with pytest.raises(ValueError, match='without layers'):
        LayeredBackbone(dict(type='_Given'), [])
    with pytest.raises(ValueError, match='2 maps.*num_maps=None'):
        LayeredBackbone(dict(type='_Given'), [ATTENTION])([torch.zeros(1, 8, 2, 2)] * 2)
    with pytest.raises(ValueError, match='a map.*num_maps=1'):
        LayeredBackbone(dict(type='_Given'), [ATTENTION], num_maps=1)(torch.zeros(1, 8, 2, 2))
    with pytest.raises(ValueError, match='expected'):
        LayeredBackbone(dict(type='_Given'), [ATTENTION])(torch.zeros(8, 2, 2))
