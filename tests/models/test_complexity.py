from torch import nn

from vlplugins.models.complexity import model_costs
from vlplugins.models.layers import SlimmableConv2d


def test_cost_of_an_ordinary_convolution_by_hand():
    """3 x 3 over 2 channels to 4, on 5 x 5 places, with bias."""
    (cost,) = model_costs(nn.Conv2d(2, 4, 3, padding=1), (2, 5, 5)).values()
    assert cost.parameters == 4 * 2 * 9 + 4 and cost.flops == 25 * 4 * 2 * 9


def test_cost_of_each_width_by_hand():
    model = SlimmableConv2d((2, 2), 4, 3, padding=1, bias=False, widths=(1.0, 0.5))
    costs = model_costs(model.train(), (2, 5, 5))
    assert {width: tuple(cost) for width, cost in costs.items()} == {1.0: (72, 1800), 0.5: (36, 900)}
    assert model.training
