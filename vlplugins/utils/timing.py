"""Timings whose ratio means something: both sides in turns, in one process, median of several rounds."""

import statistics
import time
from typing import Callable, Dict, List, NamedTuple

import torch
from rich.table import Table


class Ratio(NamedTuple):
    """One row of a benchmark: seconds of our side and of the baseline, and the bound that is claimed of their ratio."""

    what: str
    ours: float
    baseline: float
    claim: str = ''

    @property
    def value(self) -> float:
        """Time of ours over that of the baseline: below 1 is faster."""
        return self.ours / self.baseline


def median_seconds(sides: Dict[str, Callable[[], object]], rounds: int = 20, warm_up: int = 5) -> Dict[str, float]:
    """Median time of one call of each function.

    The functions take turns in every round, so that a machine that slows down slows down all of them. Work queued on
    a GPU is waited for.

    Args:
        sides: The functions to time.
        rounds: Calls that count.
        warm_up: Calls before them that do not.

    Raises:
        ValueError: fewer than one round.
    """
    if rounds < 1:
        raise ValueError(f'rounds {rounds} must be at least 1')
    times: Dict[str, List[float]] = {name: [] for name in sides}
    for index in range(warm_up + rounds):
        for name, function in sides.items():
            _wait_for_gpu()
            begin = time.perf_counter()
            function()
            _wait_for_gpu()
            if index >= warm_up:
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) for name, values in times.items()}


def _wait_for_gpu() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ratio_table(title: str, rows: List[Ratio]) -> Table:
    """Table of ratios with the times behind them."""
    table = Table(title=title)
    for heading in ('measured', 'ours (ms)', 'baseline (ms)', 'ratio', 'claim'):
        table.add_column(heading, justify='left' if heading == 'measured' else 'right')
    for row in rows:
        table.add_row(row.what, f'{1e3 * row.ours:.2f}', f'{1e3 * row.baseline:.2f}', f'{row.value:.2f}', row.claim)
    return table
