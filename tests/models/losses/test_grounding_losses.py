import math

import pytest
import torch

from vlplugins.models.losses import CorrespondenceGuideLoss, DiagonalGaussianKL, ScaledIoUBCELoss


def test_scaled_overlap_equals_a_naive_loop():
    torch.manual_seed(0)
    logits, ious = torch.randn(2, 4, 4), torch.rand(2, 4, 4)
    mask = torch.ones(4, 4).triu().bool()
    total, count = 0.0, 0
    for b in range(2):
        for i in range(4):
            for j in range(i, 4):
                y = min(max((ious[b, i, j].item() - 0.5) / 0.4, 0), 1)
                p = 1 / (1 + math.exp(-logits[b, i, j].item()))
                total -= y * math.log(p) + (1 - y) * math.log(1 - p)
                count += 1
    assert math.isclose(ScaledIoUBCELoss(0.5, 0.9, 2.0)(logits, ious, mask), 2 * total / count, rel_tol=1e-5)
    with pytest.raises(ValueError, match='t_max 0.3'):
        ScaledIoUBCELoss(0.5, 0.3)


def test_divergence_equals_torch_distributions_and_skips_padding():
    torch.manual_seed(0)
    q, p = (torch.randn(3, 2, 4), torch.randn(3, 2, 4)), (torch.randn(3, 2, 4), torch.randn(3, 2, 4))
    mask = torch.ones(3, 2, 4, dtype=torch.bool)
    mask[0, 1] = mask[2] = False
    normal = [torch.distributions.Normal(mean, (logvar / 2).exp()) for mean, logvar in (q, p)]
    entries = torch.distributions.kl_divergence(*normal)
    expected = (entries[0, 0].mean() + entries[1].mean()) / 2
    assert torch.allclose(DiagonalGaussianKL()(q, p, mask), expected, rtol=1e-4)
    assert DiagonalGaussianKL()(q, q, mask).abs() < 1e-6
    assert DiagonalGaussianKL(free_bits=0.5, loss_weight=2)(q, q, mask).item() == pytest.approx(1)


def test_divergence_has_gradients_for_both():
    q, p = ([torch.randn(1, 2, 3, requires_grad=True) for _ in range(2)] for _ in range(2))
    DiagonalGaussianKL()(tuple(q), tuple(p), torch.ones(1, 2, 3, dtype=torch.bool)).backward()
    assert all(each.grad.abs().sum() > 0 for each in (*q, *p))


def test_guide_by_hand():
    evidence = torch.tensor([[[0.5, 0.25, 0.0], [0.0, 0.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    inside = torch.tensor([[1.0, 0.0, 0.0], [0.5, 1.0, 1.0]])
    mask = torch.tensor([[True, False], [True, True]])
    expected = (-math.log(0.5 + 1e-6) + (-math.log(0.5 + 1e-6) - math.log(1e-6)) / 2) / 2
    assert math.isclose(CorrespondenceGuideLoss(0.1)(evidence, inside, mask), 0.1 * expected, rel_tol=1e-5)
    nothing = CorrespondenceGuideLoss()(evidence, inside, torch.zeros_like(mask))
    assert nothing == 0
