import pytest
import torch

from vlplugins.models.layers.proposal_map import (
    MaskedConv2d,
    coverage,
    proposal_bounds,
    proposal_mask,
    segment_max,
    segment_sum,
)


def test_maximum_and_sum_equal_a_slice_at_a_time():
    nodes = torch.randn(2, 7, 3)
    highest, total = segment_max(nodes), segment_sum(nodes)
    for i in range(7):
        for j in range(7):
            part = nodes[:, i : j + 1]
            expected = part.amax(dim=1) if i <= j else torch.zeros(2, 3)
            assert torch.equal(highest[:, i, j], expected)
            assert torch.allclose(total[:, i, j], part.sum(dim=1) if i <= j else torch.zeros(2, 3), atol=1e-5)


def test_gradient_of_the_maximum_is_that_of_a_slice_at_a_time():
    nodes = torch.randn(2, 6, 3, dtype=torch.double, requires_grad=True)
    weights = torch.randn(2, 6, 6, 3, dtype=torch.double)
    (segment_max(nodes) * weights).sum().backward()
    other = nodes.detach().clone().requires_grad_()
    total = sum((other[:, i : j + 1].amax(dim=1) * weights[:, i, j]).sum() for i in range(6) for j in range(i, 6))
    total.backward()
    assert torch.allclose(nodes.grad, other.grad)
    assert torch.autograd.gradcheck(segment_max, nodes)


def test_sums_have_further_leading_dimensions():
    values = torch.rand(2, 4, 5, 1)
    assert torch.allclose(segment_sum(values)[1, 2], segment_sum(values[1, 2][None])[0])


def test_coverage_equals_the_naive_sum():
    mass = torch.rand(2, 6, 6).triu()
    expected = torch.zeros(2, 6)
    for t in range(6):
        for i in range(t + 1):
            for j in range(t, 6):
                expected[:, t] += mass[:, i, j]
    assert torch.allclose(coverage(mass), expected, atol=1e-5)


def test_bounds_and_mask():
    bounds, mask = proposal_bounds(4), proposal_mask(4)
    assert bounds[1, 2].tolist() == [0.25, 0.75] and mask.sum() == 10 and not mask[2, 1]
    sparse = proposal_mask(64, sparse=True)
    assert sparse.sum() < proposal_mask(64).sum() and not (sparse & ~proposal_mask(64)).any()
    # Short segments are all there, and the whole video is.
    assert all(sparse[i, i + length - 1] for length in (1, 7, 16) for i in range(64 - length + 1))
    assert sparse[0, 63] and not sparse[1, 18] and not sparse[2, 36] and sparse[4, 39]


@torch.no_grad()
def test_a_constant_map_stays_one_at_the_border_too():
    conv = MaskedConv2d(1, 3)
    conv.weight.fill_(1)
    conv.bias.zero_()
    mask = proposal_mask(6)
    found = conv(torch.ones(1, 1, 6, 6), mask)[0, 0]
    assert torch.allclose(found[mask], torch.full((21,), 9.0), atol=1e-5) and not found[~mask].any()


@torch.no_grad()
def test_invalid_entries_do_not_leak_into_valid_ones():
    conv, mask = MaskedConv2d(2, 5), proposal_mask(6)
    features = torch.randn(1, 2, 6, 6)
    spoilt = torch.where(mask, features, 1e4)
    assert torch.allclose(conv(features, mask), conv(spoilt, mask))
    with pytest.raises(ValueError, match='kernel 4'):
        MaskedConv2d(2, 4)
