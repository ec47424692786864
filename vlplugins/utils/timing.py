"""Timings whose ratio means something: both sides in turns, in one process, median of several rounds."""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional

import torch
from rich.console import Console
from rich.table import Table


class Ratio(NamedTuple):
    """One row of a benchmark: our side, the baseline, and the bound that is claimed of their ratio.

    The unit is ``'s'`` or ``'bytes'``.
    """

    what: str
    ours: float
    baseline: float
    claim: str = ''
    unit: str = 's'

    @property
    def value(self) -> float:
        """Ours over the baseline: below 1 is faster, or smaller."""
        return self.ours / self.baseline

    def shown(self, value: float) -> str:
        """A value of the row as the table prints it."""
        return f'{1e3 * value:.2f} ms' if self.unit == 's' else f'{value / 2**20:.0f} MiB'


def median_seconds(
    sides: Dict[str, Callable[[], object]],
    rounds: int = 20,
    warm_up: int = 5,
    clock: Optional[Callable[[], float]] = None,
) -> Dict[str, float]:
    """Median time of one call of each function.

    The functions take turns in every round, so that a machine that slows down slows down all of them. Work queued on
    a GPU is waited for.

    Args:
        sides: The functions to time.
        rounds: Calls that count.
        warm_up: Calls before them that do not.
        clock: Seconds; ``time.perf_counter`` by default. ``time.process_time`` counts what the threads of this process
            used, whatever else the machine does.

    Raises:
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f'rounds {rounds} must be at least 1')
    clock = clock or time.perf_counter
    times: Dict[str, List[float]] = {name: [] for name in sides}
    for index in range(warm_up + rounds):
        for name, function in sides.items():
            _wait_for_gpu()
            begin = clock()
            function()
            _wait_for_gpu()
            if index >= warm_up:
                times[name].append(clock() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def _wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratio_table(title: str, rows: List[Ratio]) -> Table:
    """Table of ratios with the values behind them."""
    table = Table(title=title)
    for heading in ('measured', 'ours', 'baseline', 'ratio', 'claim'):
        table.add_column(heading, justify='left' if heading == 'measured' else 'right')
    for row in rows:
        table.add_row(row.what, row.shown(row.ours), row.shown(row.baseline), f'{row.value:.2f}', row.claim)
    return table


def add_timing_arguments(
    parser: argparse.ArgumentParser, rounds: int = 9, warm_up: int = 2, threads: int = 2, clock: bool = False
) -> None:
    """Add what every benchmark takes: ``--rounds --warm-up --threads --device --out --debug``, with these defaults.

    With ``clock`` also ``--processor-time``, which puts the ``clock`` of :func:`median_seconds` among the arguments.
    """
    parser.add_argument('--rounds', type=int, default=rounds, help=f'timed rounds (default: {rounds})')
    parser.add_argument('--warm-up', type=int, default=warm_up, help=f'rounds before them (default: {warm_up})')
    parser.add_argument('--threads', type=int, default=threads, help=f'threads on the CPU (default: {threads})')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu', help='where to run')
    parser.add_argument('--out', type=Path, help='also write the numbers to this JSON file')
    if clock:
        parser.add_argument(
            '--processor-time',
            dest='clock',
            action='store_const',
            const=time.process_time,
            help='time of this process on the processor, for a machine with other work (with --threads 1)',
        )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')


def print_ratios(title: str, rows: List[Ratio], args: argparse.Namespace) -> Console:
    """Print the table of a benchmark, and write it where ``args.out`` says.

    Args:
        title: What was measured; device and version are added.
        rows: The ratios.
        args: Values of :func:`add_timing_arguments`.

    Returns:
        The console, for what else there is to print.
    """
    device = torch.cuda.get_device_name() if args.device.startswith('cuda') else f'CPU, {args.threads} threads'
    if getattr(args, 'clock', None):
        device += ', processor time'
    title = f'{title}, {device}, torch {torch.__version__}'
    console = Console(width=max(Console().width, 120))
    console.print(ratio_table(title, rows))
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        numbers = dict(title=title, rows=[dict(row._asdict(), ratio=row.value) for row in rows])
        args.out.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')
    return console
