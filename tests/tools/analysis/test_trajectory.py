import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import MODELS, init_default_scope

from tests.helpers.tiny_configs import write_slimclr_config
from tools import train
from tools.analysis import trajectory
from vlplugins.utils.cli import load_config


def test_plane_of_points_that_lie_in_one():
    """Rows are combinations of two orthogonal vectors; the path must have their distances, and hold all variance."""
    first, second = torch.zeros(6), torch.zeros(6)
    first[:2], second[4] = 3.0, 1.0
    coefficients = torch.tensor([[2.0, 1.0], [1.0, -1.0], [0.5, 1.0], [0.0, 0.0]])
    plane = trajectory.principal_plane(5.0 + coefficients @ torch.stack([first, second]))
    assert plane.shares.sum() == pytest.approx(1.0)
    expected = coefficients * torch.tensor([18**0.5, 1.0])
    np.testing.assert_allclose(np.linalg.norm(plane.path, axis=1), expected.norm(dim=1), atol=1e-4)
    assert plane.path[-1] == pytest.approx([0, 0])
    torch.testing.assert_close(plane.directions @ plane.directions.T, torch.eye(2))


def test_axes_cover_the_path():
    path = np.array([[-2.0, 1.0], [2.0, 3.0], [0.0, 0.0]])
    first, second = trajectory.grid_axes(path, 5)
    assert first.tolist() == [-3, -1.5, 0, 1.5, 3] and second[[0, -1]].tolist() == [-0.75, 3.75]


def test_path_of_a_training_is_drawn(tmp_path, capsys):
    config = write_slimclr_config(tmp_path, epochs=3, extra='custom_hooks = [dict(type="EpochSeedHook")]\n')
    keep = ['default_hooks.checkpoint.max_keep_ckpts=-1', 'val_evaluator.0.k=1']
    train.main([str(config), '--work-dir', str(tmp_path / 'work'), '--cfg-options', *keep])
    out = tmp_path / 'new/path.png'
    arguments = [str(config), str(tmp_path / 'work')]
    trajectory.main([*arguments, '--grid', '3', '--out', str(out)])
    assert cv2.imread(str(out)).std() > 10 and '% of the variance' in capsys.readouterr().out
    for wrong, message in (
        ([*arguments, '--widths', '0.3'], r'--widths \[0.3\]: the model has \(1.0, 0.5\)'),
        ([str(config), str(tmp_path)], 'has 0 checkpoints'),
    ):
        with pytest.raises(SystemExit):
            trajectory.main(wrong)
        assert re.search(message, capsys.readouterr().err)


def test_the_middle_of_the_surface_is_the_loss_of_the_last_checkpoint(tmp_path):
    """At shift zero the loss must be that of the untouched model, at each width; elsewhere another."""
    config = load_config(str(write_slimclr_config(tmp_path)))
    init_default_scope('vlplugins')
    torch.manual_seed(0)
    model = MODELS.build(config.model).train()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    names = [name for name, value in model.named_parameters() if value.requires_grad and value.dim() > 1]
    count = sum(dict(model.named_parameters())[name].numel() for name in names)
    directions = torch.linalg.qr(torch.randn(count, 2))[0].T
    plane = trajectory.Plane(directions, np.zeros((1, 2)), np.ones(2))
    batch = [torch.randn(64, 1, 8, 8) for _ in range(2)]
    axes = [np.array([-5.0, 0.0]), np.array([0.0, 5.0])]
    surfaces = trajectory.loss_surface(model, state, names, plane, axes, batch)
    model.load_state_dict(state)
    losses = model.loss(*batch)
    for width in (1.0, 0.5):
        expected = losses[f'clr_w{width:.2f}'].item()
        assert surfaces[width][1, 0] == pytest.approx(expected, rel=1e-5)
        assert abs(surfaces[width][0, 1] - expected) > 1e-3
