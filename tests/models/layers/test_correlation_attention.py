import pytest
import torch

from vlplugins.models.layers.correlation_attention import CorrelationLayer, correlation_attention


def test_equals_loops_over_targets_channels_and_places():
    torch.manual_seed(0)
    targets, maps = torch.randn(3, 4), torch.randn(3, 4, 2, 5)
    expected = torch.zeros_like(maps)
    for n in range(3):
        for y in range(2):
            for x in range(5):
                response = sum(float(targets[n, c] * maps[n, c, y, x]) for c in range(4))
                for c in range(4):
                    expected[n, c, y, x] = response * maps[n, c, y, x]
    torch.testing.assert_close(correlation_attention(targets, maps), expected)


def test_of_one_place_by_hand():
    # The response is 1 * 3 + 2 * 4 = 11; there is no scale.
    found = correlation_attention(torch.tensor([[1.0, 2.0]]), torch.tensor([[[[3.0]], [[4.0]]]]))
    assert found.flatten().tolist() == [33.0, 44.0]


def test_the_first_linear_layer_reads_places_and_then_channels():
    layer = CorrelationLayer(dim=2, pool_size=2)
    seen = []
    layer.layers[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    crops = torch.arange(8.0).view(1, 2, 2, 2)
    layer(torch.ones(1, 2), crops)
    responses = [0.0 + 4, 1.0 + 5, 2.0 + 6, 3.0 + 7]
    expected = [
        number for place, response in enumerate(responses) for number in (response * place, response * (place + 4))
    ]
    assert seen[0].tolist() == [pytest.approx(expected)]
