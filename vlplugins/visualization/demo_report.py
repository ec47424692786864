"""Table and figure of a demo: runs side by side, mean and deviation over seeds."""

from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.table import Table

from vlplugins.visualization.base import render, save_image

# For each run and seed its metrics.
Results = Dict[str, List[Dict[str, float]]]


def summarise(results: Results, run: str, metric: str) -> Optional[Tuple[float, float]]:
    """Mean and standard deviation of a metric over the seeds of a run; ``None`` where the run does not have it."""
    values = [metrics[metric] for metrics in results.get(run, []) if metric in metrics]
    return (float(np.mean(values)), float(np.std(values))) if values else None


def _cell(summary: Optional[Tuple[float, float]], spec: str, with_deviation: bool) -> str:
    if summary is None:
        return ''
    mean, deviation = (format(value, spec) for value in summary)
    return f'{mean} ± {deviation}' if with_deviation else mean


def make_table(spec: Dict[str, Any], results: Results, costs: Dict[str, Any]) -> Table:
    """Build the table of a demo.

    Args:
        spec: The demo: ``title``, ``runs``, ``rows``, ``columns`` (``heading``, ``metric``, ``format``), ``chance``,
            ``upper_bound``.
        results: Metrics of the runs that were made.
        costs: For each row its ``parameters`` and ``flops``; may be empty.
    """
    seeds = max((len(each) for each in results.values()), default=0)
    table = Table(title=spec['title'] + (f' (mean ± deviation of {seeds} seeds)' if seeds > 1 else ''))
    table.add_column('run', max_width=30)
    has_rows, columns = bool(spec['rows']), spec['columns']
    for heading in ([spec.get('row_heading', 'variant')] if has_rows else []) + (
        ['parameters', 'FLOPs'] if costs else []
    ):
        table.add_column(heading, justify='right')
    for column in columns:
        table.add_column(column['heading'], justify='right')
    for run in spec['runs']:
        if run['name'] not in results:
            continue
        first = True
        for row in spec['rows'] or ['']:
            summaries = [summarise(results, run['name'], column['metric'].format(row=row)) for column in columns]
            if not any(summaries):
                continue
            cells = [run['name'] if first else '']
            shown = run.get('costs', True)
            cells += ([row] if shown else ['']) if has_rows else []
            if costs:
                cells += [f'{costs[row].parameters:,}', f'{costs[row].flops / 1e6:.2f} M'] if shown else ['', '']
            cells += [
                _cell(summary, column.get('format', '.1f'), seeds > 1) for summary, column in zip(summaries, columns)
            ]
            table.add_row(*cells)
            first = False
        table.add_section()
    for name in ('chance', 'upper_bound'):
        if name in spec:
            blank = [''] * (has_rows + (2 if costs else 0))
            table.add_row(name.replace('_', ' '), *blank, *[str(value) for value in _per_column(spec[name], columns)])
    return table


def _per_column(value: Any, columns: Sequence[dict]) -> List[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value] * len(columns)


def check_expectations(spec: Dict[str, Any], results: Results) -> List[Tuple[bool, str]]:
    """Compare runs as the demo's ``expect`` says.

    Each item has ``what``, ``run``, ``metric`` and either ``over`` and ``margin`` (in the mean over seeds ``run`` must
    be better than the run ``over`` by at least the margin), ``above``, a number that it must reach, or ``below``, one
    that it must not exceed. That holds for
    each of ``rows`` (all by default), or with ``mean: true`` in their mean. ``over_metric`` is the metric of ``over``
    where it has another name. Items whose runs were not made are left out.

    Returns:
        Whether each holds, and a line that says so.
    """
    outcomes = []
    for item in spec.get('expect', []):
        rows = item.get('rows', spec['rows']) or ['']
        values = [_mean(results, item['run'], item['metric'].format(row=row)) for row in rows]
        sign = 1
        if 'above' in item:
            bound, shown_bound, spell = item['above'], f'≥ {item["above"]:g}', '.3g'
        elif 'below' in item:
            bound, shown_bound, spell, sign = item['below'], f'≤ {item["below"]:g}', '.3g', -1
        else:
            others = [_mean(results, item['over'], item.get('over_metric', item['metric']).format(row=r)) for r in rows]
            values = [None if None in pair else pair[0] - pair[1] for pair in zip(values, others)]
            bound, shown_bound, spell = item['margin'], f'≥ {item["margin"]:+g}', '+.3g'
        if None in values:
            continue
        if item.get('mean'):
            values = [float(np.mean(values))]
        holds = min(sign * value for value in values) >= sign * bound
        shown = ', '.join(format(value, spell) for value in values)
        outcomes.append((holds, f'{"held" if holds else "NOT HELD"}: {item["what"]} ({shown_bound}): {shown}'))
    return outcomes


def _mean(results: Results, run: str, metric: str) -> Optional[float]:
    summary = summarise(results, run, metric)
    return None if summary is None else summary[0]


def draw_figure(
    spec: Dict[str, Any], results: Results, costs: Dict[str, Any], curves: Dict[str, Any], path: Path
) -> None:
    """Draw a metric of the runs, and the training curves beside it.

    Where rows have a cost, the metric is drawn against it, one line per run; otherwise as one bar per run.

    Args:
        spec: The demo; ``figure`` has ``metric`` (with ``{row}`` where there are rows), ``label``, ``curve_label``,
            ``curve_axis``.
        results: Metrics of the runs.
        costs: For each row its cost; may be empty.
        curves: For each run ``(epochs, values)``.
        path: The PNG to write.
    """
    figure = Figure(figsize=(12, 4.8), layout='constrained')
    left, right = figure.subplots(1, 2)
    if costs:
        _draw_against_cost(left, spec, results, costs)
    else:
        _draw_bars(left, spec, results)
    left.set_title(spec['title'])
    for index, run in enumerate(spec['runs']):
        if run['name'] in curves:
            # The first run, which the demo is about, lies on top.
            right.plot(*curves[run['name']], color=f'C{index}', label=run['name'], zorder=3 if index == 0 else 2)
    right.set(
        xlabel=spec['figure'].get('curve_axis', 'epoch'),
        ylabel=spec['figure'].get('curve_label', 'loss'),
        title='training',
    )
    for axes in (left, right):
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize='small')
    save_image(render(figure), str(path))


def _draw_against_cost(axes: Axes, spec: Dict[str, Any], results: Results, costs: Dict[str, Any]) -> None:
    options = spec['figure']
    for index, run in enumerate(spec['runs']):
        name, colour = run['name'], f'C{index}'
        summaries = {row: summarise(results, name, options['metric'].format(row=row)) for row in spec['rows']}
        found = {row: summary for row, summary in summaries.items() if summary is not None}
        if not found:
            continue
        means = [summary[0] for summary in found.values()]
        if not run.get('costs', True):
            axes.axhline(means[0], color=colour, linestyle=':', label=name)
        else:
            flops = [costs[row].flops / 1e6 for row in found]
            deviations = [summary[1] for summary in found.values()]
            order = 3 if index == 0 else 2
            axes.errorbar(flops, means, yerr=deviations, marker='o', capsize=3, color=colour, label=name, zorder=order)
    axes.set(xscale='log', xlabel='MFLOPs of one input (log scale)', ylabel=options['label'])
    ticks = [cost.flops / 1e6 for cost in costs.values()]
    axes.set_xticks(ticks, [f'{tick:.2f}\n{row}' for tick, row in zip(ticks, costs)])
    axes.set_xticks([], minor=True)
    chance = _chance(spec)
    if chance is not None:
        axes.axhline(chance, color='grey', linewidth=0.8, label='chance')


def _draw_bars(axes: Axes, spec: Dict[str, Any], results: Results) -> None:
    options = spec['figure']
    rows = spec['rows'] or ['']
    bars = []
    for index, run in enumerate(spec['runs']):
        for row in rows:
            summary = summarise(results, run['name'], options['metric'].format(row=row))
            if summary is not None:
                bars.append((f'{run["name"]} {row}'.strip(), *summary, f'C{index}'))
    names, means, deviations, colours = zip(*bars)
    axes.barh(names, means, xerr=deviations, color=colours, capsize=3)
    axes.invert_yaxis()
    axes.set_xlabel(options['label'])
    chance = _chance(spec)
    if chance is not None:
        axes.axvline(chance, color='grey', linewidth=0.8, label='chance')


def _chance(spec: Dict[str, Any]) -> Optional[float]:
    """Chance level of the metric of the figure; ``None`` where the demo has none."""
    if 'chance' not in spec:
        return None
    metrics = [column['metric'] for column in spec['columns']]
    metric = spec['figure']['metric']
    value = _per_column(spec['chance'], spec['columns'])[metrics.index(metric) if metric in metrics else 0]
    # A word would turn the axis into one of categories.
    return None if value == '' else float(value)
