import math

import torch

from vlplugins.models.layers.pose_generator.camera import normalise_screen, project_to_2d, rotations_about


def test_projection_by_hand():
    camera = torch.tensor([[2.0, 3.0, 0.1, -0.1, 0.5, 0.25, 0.125, 0.01, 0.02]])
    point = torch.tensor([[[1.0, 2.0, 4.0]]])
    x, y = 0.25, 0.5
    square = x * x + y * y
    factor = 1 + 0.5 * square + 0.25 * square**2 + 0.125 * square**3 + 0.01 * x + 0.02 * y
    expected = torch.tensor([2 * (x * factor + 0.01 * square) + 0.1, 3 * (y * factor + 0.02 * square) - 0.1])
    torch.testing.assert_close(project_to_2d(point, camera)[0, 0], expected)
    far = project_to_2d(torch.tensor([[[9.0, 0.0, 1.0]]]), camera * torch.tensor([1, 1, 0, 0, 0, 0, 0, 0, 0]))
    assert far[0, 0].tolist() == [2.0, 0.0]


def test_both_axes_are_measured_by_the_width():
    width, height = torch.tensor([1000.0]), torch.tensor([1002.0])
    corners = torch.tensor([[0.0, 0.0], [1000.0, 1002.0], [500.0, 501.0]])
    screen = normalise_screen(corners, width.expand(3), height.expand(3))
    torch.testing.assert_close(screen, torch.tensor([[-1.0, -1.002], [1.0, 1.002], [0.0, 0.0]]))


def test_rotation_about_an_axis():
    turn = rotations_about(torch.tensor([[0.0, 0, 1]]), torch.tensor([math.pi / 2]))[0]
    torch.testing.assert_close(turn @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6, rtol=0)
