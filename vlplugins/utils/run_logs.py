"""What the tools that plot the logs of several runs share."""

import argparse
from typing import List

from vlplugins.utils.cli import UsageError


def add_log_arguments(parser: argparse.ArgumentParser, runs: str, out: str) -> None:
    """Add the runs, their names, the smoothing and the picture; ``runs`` says what a run is, ``out`` is the default."""
    parser.add_argument('runs', nargs='+', help=runs)
    parser.add_argument('--legend', nargs='+', help='names of the runs (default: their paths)')
    parser.add_argument('--smooth', type=int, default=1, help='mean over so many records (default: 1)')
    parser.add_argument('--out', default=out, help=f'the PNG to write (default: {out})')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')


def names_of_runs(args: argparse.Namespace) -> List[str]:
    """A name for each run.

    Raises:
        UsageError: names that do not fit the runs, or no record to take the mean of.
    """
    if args.legend and len(args.legend) != len(args.runs):
        raise UsageError(f'--legend has {len(args.legend)} names for {len(args.runs)} runs')
    names = args.legend or args.runs
    if len(set(names)) < len(names):
        raise UsageError(f'two runs have the same name: {names}; tell them apart with --legend')
    if args.smooth < 1:
        raise UsageError(f'--smooth {args.smooth}: a mean is over 1 record or more')
    return names


def moving_mean(values: List[float], window: int) -> List[float]:
    """Mean of each value and those before it in the window."""
    parts = [values[max(0, index + 1 - window) : index + 1] for index in range(len(values))]
    return [sum(part) / len(part) for part in parts]
