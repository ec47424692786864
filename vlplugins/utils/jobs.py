"""Several training runs at a time: starting and watching them, and reading what they measured."""

import hashlib
import json
import os
import re
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Deque, Dict, List, Optional

from rich.console import Console

from vlplugins.utils.cli import UsageError


@dataclass
class Job:
    """One training or test run.

    Attributes:
        name: What it is called where it is shown.
        seed: Its seed.
        command: Program and arguments; it writes ``metrics.json`` into the folder.
        folder: For its log and results.
        root: Where the command runs, and may import from.
        config: Text of its config: with the command it tells whether a finished run is the same one.
    """

    name: str
    seed: int
    command: List[str]
    folder: Path
    root: Path = Path()
    config: str = ''
    process: Optional[subprocess.Popen] = None
    started: float = 0.0

    @property
    def log(self) -> Path:
        """What the run printed."""
        return self.folder / 'output.log'

    @property
    def metrics(self) -> Path:
        """The final metrics of the run."""
        return self.folder / 'metrics.json'

    @property
    def identity_file(self) -> Path:
        """Holds the identity of the run that was started last."""
        return self.folder / 'identity.txt'

    @property
    def identity(self) -> str:
        """What the run is of."""
        return hashlib.sha256(json.dumps([self.command, self.config]).encode()).hexdigest()

    def is_finished(self) -> bool:
        """Whether the metrics of this run, of the same command and config, are there."""
        made = self.identity_file
        return self.metrics.is_file() and made.is_file() and made.read_text(encoding='utf-8') == self.identity

    def start(self, threads: int) -> None:
        """Start the run with so many threads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.metrics.unlink(missing_ok=True)
        self.identity_file.write_text(self.identity, encoding='utf-8')
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
        environment['PYTHONPATH'] = os.pathsep.join(filter(None, [str(self.root), os.environ.get('PYTHONPATH')]))
        self.started = time.monotonic()
        with open(self.log, 'w', encoding='utf-8') as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.root, env=environment, stdout=log, stderr=subprocess.STDOUT
            )

    def progress(self) -> str:
        """The epoch, or the iteration where there are no epochs, that the log has reached; ``'-'`` before the first."""
        text = self.log.read_text(encoding='utf-8', errors='replace')
        found = re.findall(r'(Epoch|Iter)\(train\)\s+\[\s*(\d+)[]/]', text)
        return f'{found[-1][0].lower()} {found[-1][1]}' if found else '-'


def run_jobs(jobs: List[Job], at_once: int, console: Console, keep: bool = False) -> None:
    """Run all jobs, some at a time, and say what happens.

    Args:
        jobs: The runs.
        at_once: How many run at a time.
        console: Where progress is shown.
        keep: Do not make those again that are finished.

    Raises:
        UsageError: a run failed; the message holds the end of its log.
    """
    waiting: Deque[Job] = deque(job for job in jobs if not (keep and job.is_finished()))
    running: List[Job] = []
    threads = max(1, (os.cpu_count() or 1) // at_once)
    finished = len(jobs) - len(waiting)
    if finished:
        console.print(f'{finished} of {len(jobs)} runs are kept', highlight=False)
    try:
        with console.status('starting') as status:
            while waiting or running:
                while waiting and len(running) < at_once:
                    job = waiting.popleft()
                    job.start(threads)
                    running.append(job)
                time.sleep(0.2)
                shown = [f'{job.name} (seed {job.seed}, {job.progress()})' for job in running]
                status.update(f'{finished}/{len(jobs)} runs done; now: {", ".join(shown)}')
                for job in [job for job in running if job.process.poll() is not None]:
                    running.remove(job)
                    finished += 1
                    _report(job, finished, len(jobs), console)
    finally:
        for job in running:
            job.process.kill()


def _report(job: Job, finished: int, total: int, console: Console) -> None:
    seconds = time.monotonic() - job.started
    if job.process.returncode or not job.metrics.is_file():
        tail = '\n'.join(job.log.read_text(encoding='utf-8', errors='replace').splitlines()[-15:])
        raise UsageError(f'the run {job.name!r} (seed {job.seed}) failed; the end of {job.log}:\n{tail}')
    console.print(f'[{finished}/{total}] {job.name}, seed {job.seed}: {seconds:.0f} s', highlight=False)


def read_results(jobs: List[Job]) -> Dict[str, List[Dict[str, float]]]:
    """Metrics of each run, one entry per seed."""
    results: Dict[str, List[Dict[str, float]]] = {}
    for job in jobs:
        results.setdefault(job.name, []).append(json.loads(job.metrics.read_text(encoding='utf-8')))
    return results


def read_curves(jobs: List[Job], key: str) -> Dict[str, Any]:
    """Means of a logged value, of the first seed of each run: ``{name: (epochs, values)}``.

    In runs without epochs there is a value for each logged iteration.
    """
    curves: Dict[str, Any] = {}
    for job in jobs:
        logs = sorted(job.folder.glob('*/vis_data/scalars.json'))
        if job.seed or not logs:
            continue
        by_epoch: Dict[int, List[float]] = {}
        for line in logs[-1].read_text(encoding='utf-8').splitlines():
            record = json.loads(line)
            place = record.get('epoch', record.get('iter'))
            if key in record and place is not None:
                by_epoch.setdefault(place, []).append(record[key])
        if by_epoch:
            curves[job.name] = (list(by_epoch), [sum(values) / len(values) for values in by_epoch.values()])
    return curves
