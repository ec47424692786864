import math

import pytest
import torch

from vlplugins.models.losses.pose_generation_losses import (
    JOINT_GROUPS,
    JOINT_WEIGHTS,
    AngleRangeLoss,
    HardnessFeedbackLoss,
    LSGANLoss,
)


def test_least_squares_by_hand():
    loss = LSGANLoss(loss_weight=6.0)
    real, fake = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.5, 2.0]])
    assert loss.discriminator(real, fake).item() == pytest.approx(6 * 0.5 * (0.5 + 4.25 / 2))
    assert loss.generator(fake).item() == pytest.approx(6 * 0.5 * (0.25 + 1) / 2)


def test_range_of_angles_by_hand():
    loss = AngleRangeLoss()
    old = torch.tensor([[[1.0, 0, 0]] * 15] * 3)
    angles = [0.0, math.acos(1 - 0.3), math.acos(1 - 0.5)]
    new = torch.stack([torch.tensor([[math.cos(a), math.sin(a), 0.0]] * 15) * 2 for a in angles])
    ratios = torch.zeros(3, 9)
    ratios[0, 0], ratios[1, 1] = 0.2, -0.05
    # Changes 0, 0.3 and 0.5; the band is 0.04 to 0.37.
    posture = (0.205**2 + 0 + 0.295**2) / 3
    assert loss(old, new, ratios).item() == pytest.approx(3 * (posture + 0.04 / 27), rel=1e-4)


def test_feedback_equals_a_loop():
    torch.manual_seed(0)
    poses = [torch.randn(5, 16, 3) for _ in range(4)]
    poses[0] = poses[1] + 5 * (poses[0] - poses[1])
    loss = HardnessFeedbackLoss(hard_ratio=3.0, tolerance=2.0, loss_weight=0.1)

    def error(predicted, target, group):
        return sum(JOINT_WEIGHTS[j] * (predicted[j] - target[j]).norm().item() for j in group) / len(group)

    total = 0.0
    for fake, fake_target, real, real_target in zip(*poses):
        for group in JOINT_GROUPS:
            off = (error(fake, fake_target, group) / error(real, real_target, group) - 3.0) ** 2
            total += off if off > 4 else 0.0
    assert total > 0
    assert loss(*poses).item() == pytest.approx(0.1 * total / 15, rel=1e-4)


def test_feedback_has_no_gradient_for_the_seed():
    torch.manual_seed(0)
    fake, real = torch.randn(4, 16, 3, requires_grad=True), torch.randn(4, 16, 3, requires_grad=True)
    loss = HardnessFeedbackLoss(hard_ratio=50.0)
    loss(fake, torch.zeros(4, 16, 3), real, torch.zeros(4, 16, 3)).backward()
    assert fake.grad.abs().sum() > 0 and real.grad is None
    same = torch.zeros(4, 16, 3)
    assert loss(same + 1, same, same, same).isfinite()
