import pytest
import torch

from vlplugins.models.backbones.sem_gcn import SemGCN, SemGraphConv
from vlplugins.structures.skeleton_layout import H36M16


def test_layer_equals_the_formula():
    torch.manual_seed(0)
    adjacency = torch.tensor([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
    layer = SemGraphConv(2, 4, adjacency)
    with torch.no_grad():
        layer.e.normal_()
    inputs = torch.randn(5, 3, 2)
    edges = torch.full((3, 3), -9e15)
    edges[adjacency > 0] = layer.e[0].detach()
    edges = torch.softmax(edges, dim=1)
    expected = torch.zeros(5, 3, 4)
    for n in range(5):
        for v in range(3):
            expected[n, v] = edges[v, v] * inputs[n, v] @ layer.W[0] + layer.bias
            for w in range(3):
                if w != v:
                    expected[n, v] += edges[v, w] * inputs[n, w] @ layer.W[1]
    torch.testing.assert_close(layer(inputs), expected.detach(), atol=1e-5, rtol=1e-4)


def test_size_and_names_are_those_of_the_released_network():
    model = SemGCN()
    assert sum(each.numel() for each in model.parameters()) == 267_343
    assert model.gconv_output.e.shape == (1, 2 * len(H36M16.bones) + 16) == (1, 46)
    names = model.state_dict()
    assert {'gconv_input.0.gconv.W', 'gconv_layers.3.gconv2.bn.running_mean', 'gconv_output.bias'} <= set(names)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_all_parameters_learn(dtype):
    torch.manual_seed(0)
    model = SemGCN(channels=16, num_blocks=2, dropout=0.1)
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        (joints,) = model(torch.randn(4, 32, 1))
    assert joints.shape == (4, 16, 3)
    joints.float().square().sum().backward()
    # A bias before batch normalisation has no effect.
    silent = [name for name, each in model.named_parameters() if each.grad is None or not each.grad.abs().sum() > 0]
    assert all(name.endswith('gconv.bias') for name in silent), silent
