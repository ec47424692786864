"""Draw the path of a training through the loss surface of each width (SlimCLR, IJCV 2024, analysis of directions).

Example: python tools/train.py configs/slimclr/slimclr_demo.py --work-dir work_dirs/path \\
             --cfg-options default_hooks.checkpoint.interval=1 default_hooks.checkpoint.max_keep_ckpts=-1
         python tools/analysis/trajectory.py configs/slimclr/slimclr_demo.py work_dirs/path --widths 1.0 0.25
The plane is spanned by the two principal directions of the weights of the checkpoints, less those of the last one
(Li et al., NeurIPS 2018, sec. 7); the surface is the contrastive loss of a fixed batch around the last checkpoint.
"""

import argparse
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np
import torch
from matplotlib.figure import Figure
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner, set_random_seed
from torch import Tensor, nn
from tqdm import tqdm

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.compat.checkpoint_loading import load_checkpoint_file
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.models.algorithms.slimmable_contrastive import SlimmableContrastiveModel
from vlplugins.utils.cli import UsageError, add_config_options, friendly_errors, load_config
from vlplugins.utils.widths import width_name
from vlplugins.visualization.base import render, save_image


class Plane(NamedTuple):
    """Two orthonormal directions ``[2, P]``, the path in them ``[C, 2]``, and the shares of variance that they hold."""

    directions: Tensor
    path: np.ndarray
    shares: np.ndarray


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config of the training')
    parser.add_argument('work_dir', help='its work folder, with three checkpoints epoch_*.pth or more')
    parser.add_argument('--widths', type=float, nargs='+', help='widths to draw (default: all)')
    parser.add_argument('--grid', type=int, default=51, help='points along each side of the surface (default: 51)')
    parser.add_argument('--out', default='trajectory.png', help='the PNG to write (default: trajectory.png)')
    parser.add_argument('--seed', type=int, default=0, help='seed of the batch and its views')
    add_config_options(parser)
    return parser.parse_args(argv)


def read_weights(work_dir: str, names: Sequence[str]) -> Tuple[Tensor, dict]:
    """Weights of all checkpoints as rows ``[C, P]``, in the order of their epochs, and the last state.

    Raises:
        UsageError: fewer than three checkpoints, or one that lacks a weight.
    """
    paths = sorted(Path(work_dir).glob('epoch_*.pth'), key=lambda path: int(path.stem.split('_')[1]))
    if len(paths) < 3:
        raise UsageError(
            f'{work_dir} has {len(paths)} checkpoints epoch_*.pth, a path needs three; train with '
            'default_hooks.checkpoint.interval=1 default_hooks.checkpoint.max_keep_ckpts=-1'
        )
    rows = []
    for path in paths:
        state = load_checkpoint_file(str(path), map_location='cpu')['state_dict']
        missing = [name for name in names if name not in state]
        if missing:
            raise UsageError(f'{path} lacks {missing[0]!r}, which the model of the config has')
        rows.append(torch.cat([state[name].flatten() for name in names]))
    return torch.stack(rows), state


def principal_plane(weights: Tensor) -> Plane:
    """The plane of the largest variance of ``weights [C, P]`` around the last row."""
    offsets = (weights - weights[-1]).double()
    _, singular, directions = torch.linalg.svd(offsets, full_matrices=False)
    shares = (singular**2 / (singular**2).sum())[:2]
    return Plane(directions[:2].float(), (offsets @ directions[:2].T).numpy(), shares.numpy())


@torch.no_grad()
def loss_surface(
    model: SlimmableContrastiveModel, state: dict, names: Sequence[str], plane: Plane, axes: Sequence[np.ndarray], batch
) -> Dict[float, np.ndarray]:
    """Contrastive loss of each width at the points of a grid around the last checkpoint, ``{width: [A, B]}``."""
    surfaces = {width: np.zeros((len(axes[0]), len(axes[1]))) for width in model.widths}
    parameters = dict(model.named_parameters())
    sizes = [parameters[name].numel() for name in names]
    points = [(i, j) for i in range(len(axes[0])) for j in range(len(axes[1]))]
    for i, j in tqdm(points, desc='loss surface'):
        # The step moves queue, key encoder and statistics, so all of the state is set back.
        model.load_state_dict(state)
        shift = axes[0][i] * plane.directions[0] + axes[1][j] * plane.directions[1]
        for name, part in zip(names, shift.split(sizes)):
            parameters[name] += part.view_as(parameters[name])
        losses = model.loss(*batch)
        for width in model.widths:
            surfaces[width][i, j] = float(losses[f'clr_{width_name(width)}'])
    return surfaces


def draw(plane: Plane, axes: Sequence[np.ndarray], surfaces: Dict[float, np.ndarray]) -> Figure:
    """One picture a width: contours of the loss, and the path from its begin (circle) to its end (star)."""
    figure = Figure(figsize=(5 * len(surfaces), 4.6), layout='constrained')
    for panel, (width, surface) in zip(figure.subplots(1, len(surfaces), squeeze=False)[0], surfaces.items()):
        contours = panel.contourf(axes[0], axes[1], surface.T, levels=25, cmap='viridis')
        figure.colorbar(contours, ax=panel)
        panel.plot(*plane.path.T, '.-', color='white', linewidth=1)
        panel.plot(*plane.path[0], 'o', color='white')
        panel.plot(*plane.path[-1], '*', color='red', markersize=12)
        labels = [f'direction {index + 1} ({share:.0%} of the variance)' for index, share in enumerate(plane.shares)]
        panel.set(title=f'contrastive loss of width {width:g}', xlabel=labels[0], ylabel=labels[1])
    return figure


def grid_axes(path: np.ndarray, count: int) -> List[np.ndarray]:
    """Coordinates along both directions that cover the path and a quarter of its extent beyond."""
    low, high = path.min(axis=0), path.max(axis=0)
    margin = 0.25 * np.maximum(high - low, 1e-6)
    return [np.linspace(low[k] - margin[k], high[k] + margin[k], count) for k in range(2)]


def one_batch(cfg, model: nn.Module, seed: int) -> Sequence[Tensor]:
    """Two views of the first training batch, drawn with the seed."""
    set_random_seed(seed)
    data = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=seed)))
    return model.data_preprocessor(data, True)['inputs']


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Compute and draw."""
    args = parse_args(argv)
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope(cfg.get('default_scope') or 'vlplugins')
    prepare_synthetic_data(cfg)
    model = MODELS.build(cfg.model)
    if not isinstance(model, SlimmableContrastiveModel):
        raise UsageError(f'{args.config}: the model is a {type(model).__name__}; expected a form of SlimCLR')
    unknown = sorted(set(args.widths or []) - set(model.widths))
    if unknown:
        raise UsageError(f'--widths {unknown}: the model has {model.widths}')
    # Vectors (biases, normalisation) are left at their last values.
    names = [name for name, value in model.named_parameters() if value.requires_grad and value.dim() > 1]
    weights, state = read_weights(args.work_dir, names)
    plane = principal_plane(weights)
    axes = grid_axes(plane.path, args.grid)
    surfaces = loss_surface(model.train(), state, names, plane, axes, one_batch(cfg, model, args.seed))
    shown = {width: surfaces[width] for width in args.widths or model.widths}
    save_image(render(draw(plane, axes, shown)), args.out)
    print(f'wrote {args.out}; the two directions hold {plane.shares.sum():.0%} of the variance')


if __name__ == '__main__':
    main()
