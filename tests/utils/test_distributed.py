import pytest
import torch

from tests.helpers.processes import run_distributed
from vlplugins.utils.distributed import all_reduce_with_grad, gather, gather_with_grad, mean_divisor, offset_of_rank

PARTS = [torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), torch.tensor([[-1.0, 0.5]])]


def weighted(joined, scale):
    """A loss in which every pair of rows meets, so that a gradient that stays on its process is wrong."""
    return scale * (joined @ joined.T).square().mean()


def uneven(rank, world_size):
    part = PARTS[rank].clone().requires_grad_()
    joined = gather_with_grad(part)
    weighted(joined, 1 + rank).backward()
    return dict(
        joined=gather(part),
        same=joined.detach(),
        offset=offset_of_rank(part),
        grad=part.grad,
        has_grad=gather(part).requires_grad,
    )


def summed(rank, world_size):
    value = torch.tensor([1.0 + rank], requires_grad=True)
    total = all_reduce_with_grad(value)
    (total.square() * (1 + rank)).sum().backward()
    return total.detach(), value.grad


def test_uneven_parts_are_joined_in_rank_order_with_gradients_summed():
    results = run_distributed(uneven, 2)
    reference = torch.cat(PARTS).requires_grad_()
    weighted(reference, 1 + 2).backward()
    for result in results:
        assert torch.equal(result['joined'], reference.detach()) and torch.equal(result['same'], reference.detach())
        assert not result['has_grad']
    assert [result['offset'] for result in results] == [0, 3]
    torch.testing.assert_close(torch.cat([result['grad'] for result in results]), reference.grad)


def test_sums_and_their_gradients():
    """3 on both; the gradient of 1 * s^2 + 2 * s^2 is 6 * 3."""
    for total, grad in run_distributed(summed, 2):
        assert total.item() == 3.0 and grad.item() == pytest.approx(18.0)


def test_one_process_is_left_as_it_is():
    part = PARTS[0].clone().requires_grad_()
    assert gather_with_grad(part) is part and all_reduce_with_grad(part) is part and offset_of_rank(part) == 0
    assert not gather(part).requires_grad


def divisors(rank, world_size):
    return [mean_divisor(torch.tensor(count)) for count in ([3, 0], [1, 0])[rank]]


def test_sums_by_their_divisor_have_the_mean_of_the_joined_batch():
    # 4 terms of two processes; and none, which counts as one.
    assert run_distributed(divisors, 2) == [[2.0, 0.5], [2.0, 0.5]]
    assert [float(mean_divisor(torch.tensor(count))) for count in (5, 0)] == [5.0, 1.0]
