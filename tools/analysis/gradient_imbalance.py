"""Plot how training divides the gradient between a sub-network and the rest (SlimCLR, IJCV 2024, fig. 3).

Example: python tools/analysis/gradient_imbalance.py work_dirs/vanilla work_dirs/slimclr --legend vanilla SlimCLR
The runs must have trained with the hook: custom_hooks=[dict(type='GradientImbalanceHook', interval=50)].
Above the line at 1 the part of the network that the sub-network does not use receives the larger gradient.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict, List, Optional

from matplotlib.figure import Figure

from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.run_logs import add_log_arguments, moving_mean, names_of_runs
from vlplugins.visualization.base import render, save_image

_FILE = 'gradient_imbalance.jsonl'


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_log_arguments(parser, f'work folders, or files {_FILE}', 'gradient_imbalance.png')
    parser.add_argument('--width', type=float, default=0.25, help='the sub-network (default: 0.25)')
    return parser.parse_args(argv)


def read_ratios(run: str, width: float) -> Dict[str, List[float]]:
    """Read the records of a run.

    Returns:
        ``step``; ``full``: norm of the whole gradient over that of the part of the width; ``rest``: norm outside the
        part over that of the part; ``singular``: the largest singular values of the last linear layer's gradient.

    Raises:
        UsageError: no records, or none of the width.
    """
    path = Path(run)
    files = [path] if path.is_file() else sorted(path.glob(f'*/vis_data/{_FILE}'))
    if not files:
        raise UsageError(f'{run}: no {_FILE}; train with the hook GradientImbalanceHook')
    records: Dict[int, dict] = {}
    for file in files:
        for number, line in enumerate(file.read_text(encoding='utf-8').splitlines(), 1):
            record = _parse(line, f'{file}, line {number}')
            records[record['step']] = record
    if not records:
        raise UsageError(f'{run}: no records yet')
    ratios: Dict[str, List[Any]] = dict(step=[], full=[], rest=[], singular=[])
    for step, record in sorted(records.items()):
        if width not in record['widths']:
            raise UsageError(f'{run} has records of the widths {record["widths"]}, not of {width}')
        index = record['widths'].index(width)
        part = max(record['norm'][index], 1e-12)
        ratios['step'].append(step)
        ratios['full'].append(record['norm'][0] / part)
        ratios['rest'].append(record['rest'][index] / part)
        ratios['singular'].append(record['singular_values'])
    return ratios


def _parse(line: str, where: str) -> dict:
    try:
        record = json.loads(line)
        missing = [key for key in ('step', 'widths', 'norm', 'rest', 'singular_values') if key not in record]
    except (ValueError, TypeError):
        missing = ['everything']
    if missing:
        raise UsageError(f'{where}: found {line[:60]!r}; expected a record of GradientImbalanceHook (no {missing[0]})')
    return record


def draw(runs: Dict[str, Dict[str, List[float]]], width: float, window: int) -> Figure:
    """Figure of the ratios, the reference line at 1, and the two leading singular values."""
    figure = Figure(figsize=(12, 4.5), layout='constrained')
    left, right = figure.subplots(1, 2)
    for index, (name, ratios) in enumerate(runs.items()):
        colour = f'C{index}'
        left.plot(ratios['step'], moving_mean(ratios['full'], window), ':', color=colour, label=f'{name}: whole')
        left.plot(ratios['step'], moving_mean(ratios['rest'], window), color=colour, label=f'{name}: rest')
        for rank, values in enumerate(zip(*ratios['singular'])):
            label = f'{name}: number {rank + 1}'
            right.plot(ratios['step'], moving_mean(list(values), window), '-:'[rank % 2], color=colour, label=label)
    left.axhline(1, color='black', linewidth=0.8)
    left.set(xlabel='step', ylabel=f'gradient norm relative to the part of width {width}', title='gradient imbalance')
    right.set(xlabel='step', title='singular values of the last linear gradient', yscale='log')
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize='small')
    return figure


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Plot, and print the mean of the last tenth."""
    args = parse_args(argv)
    names = names_of_runs(args)
    runs = {name: read_ratios(run, args.width) for name, run in zip(names, args.runs)}
    for name, ratios in runs.items():
        last = ratios['rest'][-max(1, len(ratios['rest']) // 10) :]
        print(f'{name}: rest / part of width {args.width:g} = {sum(last) / len(last):.2f} at the end')
    save_image(render(draw(runs, args.width, args.smooth)), args.out)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
