import pytest
import torch

from vlplugins.models.layers import JointTimeAttention


def naive(layer, x):
    """Each map, row and column by itself."""
    out = torch.empty_like(x)
    for n in range(len(x)):
        rows, columns = x[n].mean(dim=2), x[n].mean(dim=1)
        hidden = layer.squeeze(torch.cat([rows, columns], dim=1)[None])[0]
        for t in range(x.size(2)):
            by_row = torch.sigmoid(layer.time.weight[:, :, 0] @ hidden[:, t] + layer.time.bias)
            for v in range(x.size(3)):
                seen = hidden[:, x.size(2) + v]
                by_column = torch.sigmoid(layer.joint.weight[:, :, 0] @ seen + layer.joint.bias)
                out[n, :, t, v] = x[n, :, t, v] * by_row * by_column
    return out


@pytest.mark.parametrize('size', [(5, 5), (6, 4)])
def test_equals_the_loop(size):
    layer = JointTimeAttention(12).eval()
    x = torch.randn(2, 12, *size)
    torch.testing.assert_close(layer(x), naive(layer, x))


def test_factors_are_shares_along_the_right_axis():
    rows, columns = (
        JointTimeAttention(8)(torch.ones(1, 8, 6, 4)),
        JointTimeAttention(8).weights(torch.randn(1, 8, 6, 4)),
    )
    assert rows.shape == (1, 8, 6, 4)
    of_time, of_joints = columns
    assert of_time.shape == (1, 8, 6, 1) and of_joints.shape == (1, 8, 1, 4)
    assert all(0 < float(each.min()) and float(each.max()) < 1 for each in columns)


@pytest.mark.parametrize('off', ['joint', 'time'])
def test_one_half_alone(off):
    layer = JointTimeAttention(8, **{off: False}).eval()
    x = torch.rand(2, 8, 6, 4) + 0.5
    factor = layer(x) / x
    along = 3 if off == 'joint' else 2
    assert float(factor.std(dim=along).max()) < 1e-6 and float(factor.std(dim=5 - along).max()) > 1e-6
    assert len(list(layer.parameters())) == 5


def test_gradients_reach_every_parameter_and_bad_arguments_are_told():
    layer = JointTimeAttention(8)
    layer(torch.randn(2, 8, 6, 4)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in layer.parameters())
    with pytest.raises(ValueError, match='attention=None'):
        JointTimeAttention(8, joint=False, time=False)
    with pytest.raises(ValueError, match='reduction'):
        JointTimeAttention(8, reduction=0)
