"""Train every demo for some steps on a GPU, and compare its losses with those of the CPU.

Example: python tools/misc/check_gpu.py --steps 20
Each demo runs on the CPU and then on the GPU in single precision, in bfloat16 and compiled, with the same seed and
the same batches. The first loss must agree closely; later ones drift apart, as rounding differs. Without a GPU it
says so and ends well. What cannot be imported is skipped and named.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional

import torch
import yaml
from mmengine.hooks import Hook
from mmengine.runner import Runner
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from vlplugins.utils.cli import friendly_errors  # noqa: E402

WARM_UP = 3


@dataclass
class Variant:
    """One way to run a demo: how far its first and its last loss may be from the reference, relatively."""

    name: str
    first: float
    last: float
    options: Dict[str, Any]


FP32 = Variant('fp32', 1e-4, 5e-2, {})
COMPILED = Variant('torch.compile', 1e-3, 5e-2, {'compile': True})
AMP = {'optim_wrapper.type': 'AmpOptimWrapper', 'optim_wrapper.dtype': 'bfloat16'}
BF16 = Variant('bf16', 3e-2, 1e-1, AMP)


def parse_args(argv: Optional[List[str]] = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('methods', nargs='*', help='methods (default: all with a demo)')
    parser.add_argument('--steps', type=int, default=20, help='training steps of each run (default: 20)')
    parser.add_argument('--device', choices=['cuda', 'cpu'], default='cuda', help='cpu compares it with itself')
    parser.add_argument('--skip-compile', action='store_true', help='leave torch.compile out')
    parser.add_argument('--out', help='write the numbers to this JSON file')
    parser.add_argument('--worker', help=argparse.SUPPRESS)
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')
    return parser.parse_args(argv)


class _Recorder(Hook):
    """Records losses, step times and waits for the loader, and ends the training after some steps."""

    priority = 'VERY_LOW'

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.losses: List[float] = []
        self.step_times: List[float] = []
        self.waits: List[float] = []
        self._mark = 0.0

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()

    def before_train(self, runner: Runner) -> None:
        self._mark = self._now()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        now = self._now()
        self.waits.append(now - self._mark)
        self._mark = now

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Optional[dict] = None
    ) -> None:
        now = self._now()
        self.step_times.append(now - self._mark)
        self._mark = now
        self.losses.append(float(outputs['loss'].detach()))
        if len(self.losses) == self.steps:
            raise _Finished


class _Finished(Exception):
    """The steps are done."""


def run_worker(job: Dict[str, Any]) -> Dict[str, Any]:
    """Train a demo for some steps in this process."""
    from vlplugins.datasets.synthetic import prepare_synthetic_data
    from vlplugins.utils.cli import build_runner, load_config

    cfg = load_config(job['config'], job['options'])
    cfg.work_dir, cfg.launcher, cfg.log_level = job['work_dir'], 'none', 'ERROR'
    cfg.train_cfg['val_interval'] = 10**9
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint = None
    prepare_synthetic_data(cfg)
    runner = build_runner(cfg)
    recorder = _Recorder(job['steps'])
    runner.register_hook(recorder)
    try:
        runner.train()
    except _Finished:
        pass
    if torch.cuda.is_available():
        memory = torch.cuda.max_memory_allocated() / 2**20
    else:
        memory = 0.0
    return dict(losses=recorder.losses, times=recorder.step_times, waits=recorder.waits, memory=memory)


def run_variant(config: Path, options: dict, variant: Variant, device: str, args: argparse.Namespace) -> dict:
    """Run one variant in a process of its own; ``{'error': last line}`` where it fails."""
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')]))
    if device == 'cpu':
        environment['CUDA_VISIBLE_DEVICES'] = ''
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, 'result.json')
        job = dict(
            config=str(config), options={**options, **variant.options}, steps=args.steps, work_dir=folder, out=str(out)
        )
        command = [sys.executable, str(Path(__file__).resolve()), '--worker', json.dumps(job)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if done.returncode or not out.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ['no message']
            named = [line for line in lines if re.match(r'[\w.]*(Error|Exception)\b|error: ', line)]
            return dict(error=(named or lines)[-1][:300])
        return json.loads(out.read_text())


def is_missing(error: str) -> bool:
    """Whether a run failed because a package that it needs is not installed."""
    return bool(re.search(r'needs the package|ModuleNotFoundError|No module named', error))


def judge(result: dict, reference: dict, variant: Variant) -> str:
    """What the comparison with the reference says."""
    missing = [each['error'] for each in (result, reference) if is_missing(each.get('error', ''))]
    if missing:
        return f'skipped: {missing[0]}'
    if 'error' in result or 'error' in reference:
        return f'failed: {result.get("error") or "no reference"}'

    def difference(index: int) -> float:
        return abs(result['losses'][index] - reference['losses'][index]) / max(abs(reference['losses'][index]), 1e-12)

    first, last = difference(0), difference(-1)
    verdict = 'agrees' if first <= variant.first and last <= variant.last else 'DIFFERS'
    return f'{verdict}: first {first:.1e} (≤ {variant.first:g}), last {last:.1e} (≤ {variant.last:g})'


def median(values: List[float]) -> float:
    """Median of the values after the warm-up."""
    kept = sorted(values[WARM_UP:] or values)
    return kept[len(kept) // 2]


def check_demo(method: str, args: argparse.Namespace, table: Table) -> List[dict]:
    """Run all variants of a demo, and add their rows to the table."""
    spec = yaml.safe_load((ROOT / 'configs' / method / 'demo.yml').read_text(encoding='utf-8'))
    config = ROOT / 'configs' / method / spec['runs'][0]['config']
    options = spec.get('check_gpu', {})
    reference = run_variant(config, options, FP32, 'cpu', args)
    variants = [FP32] + ([BF16] if args.device == 'cuda' else []) + ([] if args.skip_compile else [COMPILED])
    records = []
    for device, variant in [('cpu', None), *[(args.device, each) for each in variants]]:
        result = reference if variant is None else run_variant(config, options, variant, device, args)
        verdict = judge(result, reference, variant or FP32)
        if variant is None and 'error' not in result:
            verdict = 'reference'
        numbers = ['', '', '']
        if 'error' not in result:
            numbers = [f'{1000 * median(result["times"]):.1f}', f'{result["memory"]:.0f}']
            numbers.append(f'{1000 * median(result["waits"]):.1f}')
        name = 'fp32' if variant is None else variant.name
        table.add_row(method, f'{device} {name}', *numbers, verdict)
        records.append(dict(method=method, device=device, variant=name, verdict=verdict, **result))
    return records


@friendly_errors
def main(argv: Optional[List[str]] = None) -> None:
    """Check, print the table, and exit with 1 where a run failed or differs."""
    args = parse_args(argv)
    if args.worker:
        job = json.loads(args.worker)
        Path(job['out']).write_text(json.dumps(run_worker(job)))
        return
    console = Console(width=max(Console().width, 140))
    if args.device == 'cuda' and not torch.cuda.is_available():
        console.print('no GPU: nothing to check (--device cpu compares the CPU with itself)')
        return
    name = torch.cuda.get_device_name() if args.device == 'cuda' else 'CPU'
    table = Table(title=f'{name}, torch {torch.__version__}: {args.steps} steps of each demo, median after {WARM_UP}')
    for heading in ('demo', 'run', 'step (ms)', 'peak memory (MiB)', 'loader wait (ms)', 'loss against the CPU'):
        table.add_column(heading, justify='left' if heading in ('demo', 'run') else 'right')
    records = []
    known = sorted(path.parent.name for path in (ROOT / 'configs').glob('*/demo.yml'))
    for method in args.methods or known:
        with console.status(f'{method}: running'):
            records += check_demo(method, args, table)
    console.print(table)
    if args.out:
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        Path(args.out).write_text(json.dumps(records, indent=1) + '\n')
    if any(not record['verdict'].startswith(('agrees', 'reference', 'skipped')) for record in records):
        raise SystemExit(1)


if __name__ == '__main__':
    main()
