import pytest
import torch

from vlplugins.models.backbones.st_gcn_lifter import PARTS, SingleFrameSTGCN, partitions


def test_partitions_of_a_small_body():
    """A centre with two arms that mirror each other."""
    parts = partitions([(1, 0), (2, 0)], [(1, 2)], [0, 1, 1])
    third = 1 / 3
    assert torch.allclose(parts[0], third * torch.eye(3))
    assert torch.allclose(parts[1], third * torch.tensor([[0.0, 0, 0], [1, 0, 0], [1, 0, 0]]))
    assert torch.allclose(parts[2], third * torch.tensor([[0.0, 1, 1], [0, 0, 0], [0, 0, 0]]))
    assert torch.allclose(parts[3], third * torch.tensor([[0.0, 0, 0], [0, 0, 1], [0, 1, 0]]))


def test_partitions_of_the_body():
    model = SingleFrameSTGCN()
    for matrix, nodes in ((model.A, 17), (model.A_pool, 5)):
        assert matrix.shape == (4, nodes, nodes)
        torch.testing.assert_close(matrix.sum(dim=(0, 1)), torch.ones(nodes))
    # The knee hears from the ankle (farther from the spine) and from the hip (nearer), and from the other knee.
    assert model.A[1][3, 2] > 0 and model.A[2][1, 2] > 0 and model.A[3][5, 2] > 0
    # The spine is the centre: its neighbours are all farther out.
    assert model.A[1][:, 7].count_nonzero() == 2 and model.A[2][:, 7].count_nonzero() == 0
    assert sorted(sum(PARTS, ())) == list(range(17))


def test_one_pose_alone_and_in_a_batch():
    torch.manual_seed(0)
    model = SingleFrameSTGCN().eval()
    inputs = torch.randn(3, 32, 1)
    (joints,) = model(inputs)
    assert joints.shape == (3, 16, 3)
    torch.testing.assert_close(model(inputs[:1])[0], joints[:1], atol=1e-5, rtol=1e-4)


def test_names_and_the_rate_in_the_place_of_eps():
    model = SingleFrameSTGCN(dropout=None)
    assert model.data_bn.eps == 0.1
    names = {
        'st_gcn_networks.0.gcn.conv.weight',
        'st_gcn_networks.2.residual.1.running_var',
        'st_gcn_pool.1.tcn.4.bias',
    }
    names |= {'conv4.0.weight', 'conv2.1.bias', 'non_local.theta.weight', 'non_local.W.1.weight', 'fcn.1.weight'}
    assert names <= set(model.state_dict()) and 'A' not in model.state_dict()
    rates = [model.st_gcn_networks[0].tcn[2].p, model.conv4[3].p, model.conv2[3].p, model.fcn[0].p]
    assert rates == [0.05, 0.25, 0.1, 0.1]


@pytest.mark.parametrize('half', [False, True])
def test_parameters_learn(half):
    torch.manual_seed(0)
    model = SingleFrameSTGCN()
    with torch.no_grad():
        model.non_local.W[1].weight.fill_(0.5)
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=half):
        (joints,) = model(torch.randn(4, 32, 1))
    joints.float().square().sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in model.parameters())
    learning = sum(bool(each.grad.abs().sum() > 0) for each in model.parameters())
    assert learning > 0.9 * len(list(model.parameters()))
