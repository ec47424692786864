"""Accuracy of trained recognisers of skeletons against the angle that the test set is turned by, and its size.

Example: python tools/analysis/view_robustness.py \\
             --models 'all=configs/afe_cnn/afe-cnn_demo.py:work_dirs/full/epoch_8.pth' \\
                      'no view=configs/afe_cnn/afe-cnn_demo-no-view.py:work_dirs/no_view/epoch_8.pth' \\
             --out-dir work_dirs/robustness
Each model is tested on its own test set; every raw clip is turned about the vertical, and resized, before the pipeline.
The table and the figure (robustness.png) have a line for each model; the numbers are in robustness.json.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import torch
from matplotlib.figure import Figure
from mmengine.dataset import Compose, pseudo_collate
from mmengine.registry import DATASETS, init_default_scope
from rich.console import Console
from rich.table import Table

import vlplugins  # noqa: F401  (checks versions and installs the workarounds)
from vlplugins.apis.base import BaseInferencer, find_pipeline
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.datasets.transforms import ChangeSkeletonView
from vlplugins.utils.cli import UsageError, add_config_options, check_checkpoint, friendly_errors, load_config
from vlplugins.visualization.base import render, save_image


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--models', nargs='+', required=True, metavar='NAME=CONFIG:CHECKPOINT', help='what to test')
    parser.add_argument('--angles', nargs='+', type=float, default=[0, 30, 60, 90, 120, 150, 180], help='degrees')
    parser.add_argument('--sizes', nargs='+', type=float, default=[0.5, 1.0, 2.0], help='factors, at no turn')
    parser.add_argument('--batch-size', type=int, default=40, help='clips at a time (default: 40)')
    parser.add_argument('--device', help='cpu, cuda:0, ... (default: the best that there is)')
    parser.add_argument('--out-dir', default='work_dirs/robustness', help='folder of figure and numbers')
    add_config_options(parser)
    return parser.parse_args(argv)


def read_model(text: str) -> Tuple[str, str, str]:
    """Name, config and checkpoint of ``NAME=CONFIG:CHECKPOINT``.

    Raises:
        UsageError: another form.
    """
    name, _, rest = text.partition('=')
    config, _, checkpoint = rest.rpartition(':')
    if not (name and config and checkpoint):
        raise UsageError(f'{text!r} is not of the form NAME=CONFIG:CHECKPOINT')
    return name, config, checkpoint


class RotatedTestSet:
    """Records of a test set, read once, that a pipeline sees from other sides.

    Args:
        cfg: A config with a test loader.
        inferencer: The inferencer of its model.
    """

    def __init__(self, cfg: Any, inferencer: BaseInferencer) -> None:
        dataset = DATASETS.build({**cfg.test_dataloader.dataset, 'pipeline': []})
        self.records = [dataset.get_data_info(index) for index in range(len(dataset))]
        self.pipeline = Compose(find_pipeline(cfg))
        self.inferencer = inferencer

    @torch.no_grad()
    def accuracy(self, yaw: float, size: float, batch_size: int) -> float:
        """Per cent of the records that are recognised when turned by ``yaw`` degrees and resized by ``size``."""
        view, hits = ChangeSkeletonView(yaw=yaw, scale=size), 0
        for begin in range(0, len(self.records), batch_size):
            batch = [self.pipeline(view(dict(each))) for each in self.records[begin : begin + batch_size]]
            samples = self.inferencer.model.test_step(pseudo_collate(batch))
            hits += sum(int(sample.pred_label) == int(sample.gt_label) for sample in samples)
        return 100 * hits / len(self.records)


def measure(text: str, args: argparse.Namespace) -> Dict[str, Any]:
    """Accuracies of one model: ``dict(name, angles={degrees: per cent}, sizes={factor: per cent})``."""
    name, config, checkpoint = read_model(text)
    check_checkpoint(checkpoint)
    cfg = load_config(config, args.cfg_options)
    init_default_scope(cfg.default_scope)
    prepare_synthetic_data(cfg)
    test_set = RotatedTestSet(cfg, BaseInferencer(cfg, checkpoint, args.device, show_progress=False))
    angles = {f'{yaw:g}': test_set.accuracy(yaw, 1.0, args.batch_size) for yaw in args.angles}
    sizes = {f'{size:g}': test_set.accuracy(0.0, size, args.batch_size) for size in args.sizes}
    return dict(name=name, angles=angles, sizes=sizes)


def make_table(results: List[Dict[str, Any]]) -> Table:
    """One row for each model."""
    table = Table(title='Accuracy, per cent, on a test set that is turned (degrees) or resized (factor)')
    table.add_column('model')
    for key, unit in (('angles', '°'), ('sizes', 'x')):
        for value in results[0][key]:
            table.add_column(f'{value}{unit}', justify='right')
    for each in results:
        table.add_row(each['name'], *[f'{value:.1f}' for key in ('angles', 'sizes') for value in each[key].values()])
    return table


def make_figure(results: List[Dict[str, Any]]) -> Figure:
    """Accuracy against angle and size; the first model on top, those that coincide as wider lines below."""
    figure = Figure(figsize=(11, 4), layout='constrained')
    panels = figure.subplots(1, 2)
    for axes, key, label in zip(panels, ('angles', 'sizes'), ('turned by, degrees', 'resized by, factor')):
        for index, each in enumerate(results):
            positions, values = [float(value) for value in each[key]], list(each[key].values())
            style = dict(linewidth=1.5 + 0.8 * index, marker='o', markersize=5, zorder=-index)
            axes.plot(positions, values, label=each['name'], **style)
        axes.set(xlabel=label, ylabel='top-1, per cent', ylim=(0, 103))
        axes.grid(alpha=0.3)
    figure.legend(*panels[0].get_legend_handles_labels(), loc='outside right upper', fontsize='small')
    return figure


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Measure, print and draw."""
    args = parse_args(argv)
    results = [measure(text, args) for text in args.models]
    out = Path(args.out_dir)
    out.mkdir(parents=True, exist_ok=True)
    (out / 'robustness.json').write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
    save_image(render(make_figure(results)), str(out / 'robustness.png'))
    Console(width=max(Console().width, 120)).print(make_table(results))
    print(f'figure: {out / "robustness.png"}')


if __name__ == '__main__':
    main()
