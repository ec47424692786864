"""Plot values that training runs have logged.

Example: python tools/analysis/analyze_logs.py work_dirs/first work_dirs/second --keys loss knn/w1.00 --out curves.png
A run is its work folder (all of its log files together, so that resumed runs are whole) or a scalars.json.
"""

import argparse
import json
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from matplotlib.figure import Figure

from vlplugins.utils.cli import UsageError, friendly_errors
from vlplugins.utils.run_logs import add_log_arguments, moving_mean, names_of_runs
from vlplugins.visualization.base import render, save_image

Curve = Tuple[List[int], List[float]]


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_log_arguments(parser, 'work folders or log files', 'curves.png')
    parser.add_argument('--keys', nargs='+', default=['loss'], help='values, one picture row each (default: loss)')
    parser.add_argument('--list', action='store_true', help='list the values of the runs')
    return parser.parse_args(argv)


def read_records(run: str) -> List[dict]:
    """Records of a run in the order of their steps; of a step logged twice (before and after a resume) the later.

    Raises:
        UsageError: no such run, no log in it, or a line that is no record.
    """
    path = Path(run)
    files = [path] if path.is_file() else sorted(path.glob('*/vis_data/scalars.json'))
    if not files:
        raise UsageError(f'{run}: no log; expected a scalars.json, or a work folder with */vis_data/scalars.json')
    records: Dict[Tuple[int, bool], dict] = {}
    for file in files:
        for number, line in enumerate(file.read_text(encoding='utf-8').splitlines(), 1):
            try:
                record = json.loads(line)
                records[(record['step'], 'epoch' in record)] = record
            except (ValueError, KeyError, TypeError):
                raise UsageError(f'{file}, line {number}: found {line[:60]!r}; expected a record with "step"') from None
    return [records[key] for key in sorted(records)]


def curve(records: List[dict], key: str, run: str, smooth: int = 1) -> Curve:
    """Steps and values of a key, each value the mean of the last ``smooth``.

    Raises:
        UsageError: the run has no such value; those that it has are listed.
    """
    pairs = [(record['step'], record[key]) for record in records if isinstance(record.get(key), (int, float))]
    if not pairs:
        raise UsageError(f'{run} has logged no {key!r}; it has {known_keys(records)}')
    return [step for step, _ in pairs], moving_mean([value for _, value in pairs], smooth)


def known_keys(records: List[dict]) -> List[str]:
    """Names of the values in the records."""
    return sorted({key for record in records for key in record} - {'step', 'epoch', 'iter'})


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Plot."""
    args = parse_args(argv)
    names = names_of_runs(args)
    logs = {name: read_records(run) for name, run in zip(names, args.runs)}
    if args.list:
        for name, records in logs.items():
            print(f'{name}: {", ".join(known_keys(records))}')
        return
    figure = Figure(figsize=(7, 3.2 * len(args.keys)), layout='constrained')
    for axes, key in zip(figure.subplots(len(args.keys), 1, squeeze=False)[:, 0], args.keys):
        for name, records in logs.items():
            axes.plot(*curve(records, key, name, args.smooth), label=name)
        axes.set(xlabel='step', ylabel=key)
        axes.grid(alpha=0.3)
        axes.legend(fontsize='small')
    save_image(render(figure), args.out)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
