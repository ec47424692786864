import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vlplugins.models.layers.slimmable import SlimmableBatchNorm, SlimmableConv2d, SlimmableLinear

WIDTHS = (1.0, 0.75, 0.5, 0.25)


@pytest.mark.parametrize('size, padding', [(3, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize('width', WIDTHS)
def test_convolution_equals_an_ordinary_one_of_the_small_size(width, size, padding):
    layer = SlimmableConv2d(8, 16, size, stride=2, padding=padding, widths=WIDTHS)
    nn.init.normal_(layer.bias)
    ins, outs = int(8 * width), int(16 * width)
    small = nn.Conv2d(ins, outs, size, stride=2, padding=padding)
    small.weight.data = layer.weight.data[:outs, :ins].clone()
    small.bias.data = layer.bias.data[:outs].clone()
    images = torch.randn(2, ins, 5, 5)
    torch.testing.assert_close(layer(images, width), small(images))


def test_unused_weights_do_not_reach_the_output():
    layer = SlimmableConv2d(8, 8, 1, widths=WIDTHS)
    layer.weight.data[4:] = float('nan')
    layer.weight.data[:, 4:] = float('nan')
    layer.bias.data[4:] = float('nan')
    assert layer(torch.randn(1, 4, 2, 2), 0.5).isfinite().all()


def test_gradient_reaches_the_used_part_alone():
    layer = SlimmableConv2d(8, 8, 1, bias=False, widths=WIDTHS)
    layer(torch.randn(2, 2, 3, 3), 0.25).square().sum().backward()
    used = layer.weight.grad.abs().squeeze() > 0
    expected = torch.zeros(8, 8, dtype=torch.bool)
    expected[:2, :2] = True
    assert torch.equal(used, expected)


def test_disjoint_ranges_share_no_weight():
    layer = SlimmableConv2d(8, 8, 1, bias=False, widths=(1.0, 0.5, 0.25), overlap=False)
    images = torch.randn(1, 4, 2, 2)
    # Counts (8, 4, 2): 0.25 takes channels 0-1, 0.5 takes 2-5.
    expected = F.conv2d(images, layer.weight[2:6, 2:6])
    torch.testing.assert_close(layer(images, 0.5), expected)


def test_groups_that_do_not_divide_a_width_are_refused():
    with pytest.raises(ValueError, match='width 0.75'):
        SlimmableConv2d(8, 8, 3, groups=4, widths=WIDTHS)


def test_grouped_convolution_equals_an_ordinary_one():
    layer = SlimmableConv2d(8, 8, 1, groups=2, bias=False, widths=(1.0, 0.5))
    images = torch.randn(1, 4, 2, 2)
    expected = F.conv2d(images, layer.weight[:4, :2], groups=2)
    torch.testing.assert_close(layer(images, 0.5), expected)


def test_linear_keeps_a_fixed_side_whole():
    layer = SlimmableLinear(8, (5, 5, 5, 5), widths=WIDTHS)
    features = torch.randn(3, 2)
    torch.testing.assert_close(layer(features, 0.25), features @ layer.weight[:, :2].T + layer.bias)


def test_linear_initialisation():
    torch.manual_seed(0)
    layer = SlimmableLinear(400, 400, widths=WIDTHS)
    assert layer.weight.std().item() == pytest.approx(0.01, rel=0.05) and (layer.bias == 0).all()
    default = SlimmableLinear(400, 400, widths=WIDTHS, init_std=None)
    # PyTorch draws uniformly within 1 / sqrt(fan_in).
    assert default.weight.abs().max().item() == pytest.approx(1 / 20, rel=0.01)


def test_shared_normalisation_mixes_the_widths():
    layer = SlimmableBatchNorm(4, (1.0, 0.5), momentum=1.0)
    layer(torch.randn(64, 4, 2, 2))
    layer(torch.randn(64, 2, 2, 2) + 10, 0.5)
    mean = layer.running_mean
    torch.testing.assert_close(mean[:2], torch.full((2,), 10.0), atol=0.3, rtol=0)
    torch.testing.assert_close(mean[2:], torch.zeros(2), atol=0.3, rtol=0)


@pytest.mark.parametrize('width', WIDTHS)
def test_layers_run_in_bfloat16(width):
    layer = SlimmableConv2d(8, 8, 3, padding=1, widths=WIDTHS)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        outputs = layer(torch.randn(1, int(8 * width), 4, 4), width)
    assert outputs.dtype == torch.bfloat16 and outputs.isfinite().all()
