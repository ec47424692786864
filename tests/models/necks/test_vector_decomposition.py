import pytest
import torch
from torch import nn

from vlplugins.models.losses import OrthogonalityLoss
from vlplugins.models.necks import VectorDecomposition


def small(**kwargs):
    return VectorDecomposition(6, mid_channels=4, kernel_size=3, **kwargs)


def test_size_and_layout_are_those_of_the_release():
    neck = VectorDecomposition()
    assert sum(parameter.numel() for parameter in neck.parameters()) == 32_774_144
    kinds = [type(layer) for layer in neck.layers]
    block = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.Dropout]
    assert kinds == block + block + block[:2]
    assert neck.layers[0].bias is not None and neck.layers[0].padding == (2, 2)


def test_parts_sum_to_the_map_and_take_both_signs():
    torch.manual_seed(0)
    base = torch.randn(2, 6, 5, 7).relu()
    parts = small()(base)
    assert parts.base is base and (parts.invariant + parts.specific - base).abs().max() < 1e-5
    assert parts.invariant.min() < 0 < parts.invariant.max() and parts.specific.min() < 0


def test_nothing_but_the_extractor_has_parameters():
    neck = small()
    assert all(name.startswith('layers.') for name in neck.state_dict())
    convolutions = [layer for layer in neck.layers if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [4, 4, 6]


def test_gradient_on_the_specific_part_reaches_the_extractor_with_its_sign_turned():
    """On a decomposition by one number: F_di = w F_b, so dF_ds/dw = -F_b and dF_ds/dF_b = 1 - w."""
    neck = VectorDecomposition(1, num_convs=1, kernel_size=1)
    neck.layers = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(neck.layers.weight, 0.25)
    base = torch.full((1, 1, 1, 1), 3.0, requires_grad=True)
    parts = neck(base)
    parts.specific.sum().backward()
    assert neck.layers.weight.grad.item() == -3 and base.grad.item() == 0.75


def test_identity_has_nothing_specific():
    neck = small(identity=True)
    base = torch.randn(1, 6, 3, 3)
    parts = neck(base)
    assert parts.invariant is base and not parts.specific.any() and not list(neck.parameters())


@pytest.mark.parametrize(
    'options', [dict(num_convs=1), dict(num_convs=2), dict(norm_cfg=dict(type='GN', num_groups=2))]
)
def test_depth_and_normalisation(options):
    neck = small(**options)
    parts = neck(torch.randn(2, 6, 5, 5))
    parts.invariant.square().sum().backward()
    assert all(p.grad is not None for p in neck.parameters())


@pytest.mark.parametrize('options', [dict(num_convs=0), dict(kernel_size=4)])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match='odd'):
        VectorDecomposition(**options)


@pytest.mark.parametrize('seed', [0, 1, 2])
def test_orthogonality_alone_turns_the_parts_until_they_are_orthogonal(seed):
    """The mechanism: on fixed maps, from a cosine above 0.5 to one below 0.1, and not by a vanishing part."""
    torch.manual_seed(seed)
    neck = VectorDecomposition(32, mid_channels=16, kernel_size=3, dropout=0.0)
    base, loss = torch.randn(8, 32, 8, 8).relu(), OrthogonalityLoss()
    optimizer = torch.optim.SGD(neck.parameters(), lr=0.05, momentum=0.9)
    values = []
    for _ in range(100):
        parts = neck(base)
        value = loss(*(part[:, :, 2:6, 2:6].mean(dim=(2, 3)) for part in parts[1:]))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[0] > 0.5 and sum(values[-20:]) / 20 < 0.1
    assert parts.invariant.norm() > 0.5 * base.norm()


def test_compiles_and_casts():
    neck = small(dropout=0.0).eval()
    base = torch.randn(1, 6, 5, 5)
    compiled = torch.compile(neck, backend='aot_eager', fullgraph=True)(base)
    assert torch.allclose(compiled.invariant, neck(base).invariant, atol=1e-6)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert neck(base).invariant.isfinite().all()
