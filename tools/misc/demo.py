"""Train the demo of a method and its ablations, print one table, draw one figure.

Example: python tools/misc/demo.py slimclr --seeds 3
What a demo is made of is declared in configs/<method>/demo.yml; every run goes through tools/train.py. A run that needs
a folder of real data (`needs`) is left out where it is not there, and a line says so.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

import yaml
from mmengine.config import Config
from rich.console import Console

import vlplugins
from vlplugins.datasets.synthetic import prepare_synthetic_data
from vlplugins.models.complexity import model_costs
from vlplugins.registry import MODELS
from vlplugins.utils.cli import UsageError, friendly_errors, load_config
from vlplugins.utils.jobs import Job, read_curves, read_results, run_jobs
from vlplugins.utils.widths import width_name
from vlplugins.visualization.demo_report import check_expectations, draw_figure, make_table

ROOT = Path(__file__).resolve().parents[2]
MAIN_METHOD = 'slimclr'


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('method', nargs='?', default=MAIN_METHOD, help=f'method (default: {MAIN_METHOD})')
    parser.add_argument('--seeds', type=int, default=1, help='runs of each config, with seeds 0, 1, ... (default: 1)')
    parser.add_argument(
        '--all',
        action=argparse.BooleanOptionalAction,
        help='also the runs that are marked as extended, or not these (default: with several seeds)',
    )
    parser.add_argument('--quick', action='store_true', help='shrunk by the section "quick": shows that it runs')
    parser.add_argument('--keep', action='store_true', help='go on: runs that are finished are not made again')
    parser.add_argument('--record', action='store_true', help='write the results beside the README of the method')
    jobs = min(4, os.cpu_count() or 1)
    parser.add_argument('--jobs', type=int, default=jobs, help='runs at a time (default: one a core, at most 4)')
    parser.add_argument('--work-dir', default='work_dirs/demo', help='folder for logs, checkpoints and the figure')
    parser.add_argument('--device', choices=['auto', 'cpu', 'cuda'], default='auto', help='where to train')
    parser.add_argument('--list', action='store_true', help='list the methods with a demo')
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


def load_spec(path: Path) -> Dict[str, Any]:
    """Read ``demo.yml`` and check its runs.

    Raises:
        UsageError: no such demo, a missing key, or a run whose config does not exist.
    """
    if not path.is_file():
        known = sorted(each.parent.name for each in path.parents[1].glob('*/demo.yml'))
        raise UsageError(f'no demo of {path.parent.name!r}; there are demos of {", ".join(known) or "no method"}')
    spec = yaml.safe_load(path.read_text(encoding='utf-8'))
    for key in ('title', 'runs', 'columns', 'figure'):
        if key not in spec:
            raise UsageError(f'{path} lacks the key {key!r}')
    spec.setdefault('rows', [])
    for run in spec['runs']:
        run['path'] = path.parent / run['config']
        if not run['path'].is_file():
            raise UsageError(f'{path}: run {run["name"]!r} names the config {run["path"]}, which does not exist')
    return spec


def shrink(spec: Dict[str, Any], section: str) -> Dict[str, Any]:
    """The demo as a section of ``demo.yml`` shrinks it.

    The section may have ``options`` (keys of all configs to change), ``runs`` (the runs to make, each with further keys
    to change; all by default) and ``expect`` (what is judged; nothing by default).

    Raises:
        UsageError: the demo has no such section, or the section names a run that does not exist.
    """
    if section not in spec:
        raise UsageError(f'the demo {spec["title"]!r} has no section {section!r}')
    shrunk = spec[section]
    names = [run['name'] for run in spec['runs']]
    chosen = shrunk.get('runs') or dict.fromkeys(names, {})
    unknown = sorted(set(chosen) - set(names))
    if unknown:
        raise UsageError(f'section {section!r} names the runs {unknown}; the demo has {names}')
    runs = [
        dict(
            run, cfg_options={**run.get('cfg_options', {}), **shrunk.get('options', {}), **(chosen[run['name']] or {})}
        )
        for run in spec['runs']
        if run['name'] in chosen
    ]
    return dict(spec, runs=runs, expect=shrunk.get('expect', []))


def leave_out_runs(spec: Dict[str, Any], root: Path = ROOT) -> List[str]:
    """Take the runs out of a demo whose data (``needs``, a path relative to the project) are not there.

    Returns:
        A line for each ``needs``: which runs are made on it, or left out.
    """
    by_need: Dict[str, List[str]] = {}
    for run in spec['runs']:
        if 'needs' in run:
            by_need.setdefault(run['needs'], []).append(run['name'])
    missing = [need for need in by_need if not (root / need).exists()]
    spec['runs'] = [run for run in spec['runs'] if run.get('needs') not in missing]
    lines = []
    for need, names in by_need.items():
        shown = ', '.join(map(repr, names))
        lines.append(f'no {need} here: without {shown}' if need in missing else f'data of {need}: with {shown}')
    return lines


def plan_jobs(spec: Dict[str, Any], seeds: int, work_dir: Path, extended: bool = False) -> List[Job]:
    """The runs to make, in the order of the table, seed by seed; with ``extended`` those so marked too."""
    jobs = []
    runs = [run for run in spec['runs'] if extended or not run.get('extended')]
    for seed in range(seeds):
        for run in runs:
            # What is not trained depends on the seed by its initialisation alone, which tools/test.py draws.
            folder = work_dir / re.sub(r'\W+', '_', run['name']) / f'seed{seed}'
            tool = ['tools/train.py', str(run['path'])]
            if not run.get('train', True):
                tool = ['tools/test.py', str(run['path']), 'none']
            command = [sys.executable, *tool, '--work-dir', str(folder), '--seed', str(seed)]
            command += ['--out', str(folder / 'metrics.json')]
            options = run.get('cfg_options')
            if options:
                command += ['--cfg-options', *[f'{key}={value}' for key, value in options.items()]]
            # What a config imports may be found by the run alone.
            config = repr(Config.fromfile(run['path'], import_custom_modules=False).to_dict())
            jobs.append(Job(run['name'], seed, command, folder, ROOT, config))
    return jobs


def row_costs(spec: Dict[str, Any]) -> Dict[str, Any]:
    """Parameters and FLOPs of each row, where the demo says how to count them (``cost: {module, shape}``)."""
    if 'cost' not in spec:
        return {}
    cfg = Config.fromfile(spec['runs'][0]['path'])
    model = MODELS.build(cfg.model).get_submodule(spec['cost']['module'])
    return {width_name(width or 1.0): cost for width, cost in model_costs(model, spec['cost']['shape']).items()}


def write_results(path: Path, args: argparse.Namespace, results: Any, expectations: Any) -> None:
    """Keep the numbers with the command and the versions that made them."""
    import mmcv
    import mmengine
    import torch

    asked = {None: '', True: ' ARGS=--all', False: ' ARGS=--no-all'}[args.all]
    packages = dict(vlplugins=vlplugins, torch=torch, mmengine=mmengine, mmcv=mmcv)
    record = dict(
        command=f'make demo METHOD={args.method} SEEDS={args.seeds}' + asked,
        versions={name: package.__version__ for name, package in packages.items()},
        results=results,
        expectations=[line for _, line in expectations],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + '\n', encoding='utf-8')


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Run a demo."""
    args = parse_args(argv)
    console = Console(width=max(Console().width, 100))
    configs = ROOT / 'configs'
    if args.list:
        for path in sorted(configs.glob('*/demo.yml')):
            console.print(f'{path.parent.name}: {load_spec(path)["title"]}')
        return
    spec = load_spec(configs / args.method / 'demo.yml')
    if args.device == 'cpu':
        os.environ['CUDA_VISIBLE_DEVICES'] = ''
    work_dir = Path(args.work_dir, args.method)
    if args.quick:
        spec = shrink(spec, 'quick')
    for line in leave_out_runs(spec):
        console.print(line, highlight=False)
    extended = args.seeds > 1 if args.all is None else args.all
    jobs = plan_jobs(spec, args.seeds, work_dir.resolve(), extended)
    # Of all runs: jobs that run together must not make the same set at the same time. Each checks its config itself.
    for path in dict.fromkeys(str(run['path']) for run in spec['runs']):
        prepare_synthetic_data(load_config(path, check=False))
    run_jobs(jobs, args.jobs, console, args.keep)
    results = read_results(jobs)
    costs = row_costs(spec)
    console.print(make_table(spec, results, costs))
    expectations = check_expectations(spec, results)
    for line in [line for _, line in expectations] or ['no margin is judged']:
        console.print(line, highlight=False)
    if expectations and args.seeds < 3:
        console.print('(margins are meant for the mean of three seeds: SEEDS=3)', highlight=False)
    figure = work_dir / f'{args.method}.png'
    draw_figure(spec, results, costs, read_curves(jobs, spec['figure'].get('curve', 'loss')), figure)
    write_results(work_dir / 'results.json', args, results, expectations)
    if args.record:
        write_results(configs / args.method / 'demo_results.json', args, results, expectations)
    console.print(f'figure: {figure}\nnumbers: {work_dir / "results.json"}', highlight=False)


if __name__ == '__main__':
    main()
