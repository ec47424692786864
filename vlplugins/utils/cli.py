"""What the command-line tools share: arguments, loading a config, errors in one clear message."""

import argparse
import functools
import gc
import json
import linecache
import os
import pickle
import sys
from pathlib import Path
from typing import Any, Callable, List, Optional

from mmengine.config import Config, ConfigDict, DictAction
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from vlplugins.registry import UnknownTypeError
from vlplugins.utils.config_check import ConfigError, check_config
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_pickle import CheckpointError


class UsageError(Exception):
    """A mistake of the user of a tool; its message says what to do."""


# Exceptions whose message is for the user. Anything else is a defect, and keeps its traceback.
_USER_ERRORS = (
    UsageError,
    ConfigError,
    UnknownTypeError,
    CheckpointError,
    RecordError,
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    PermissionError,
    ImportError,
    pickle.UnpicklingError,
)


def friendly_errors(main: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate the ``main(argv)`` of a tool: a user's mistake is printed in one message, with exit status 2.

    ``--debug`` among the arguments keeps the traceback. Causes are followed: an error that a library wraps (MMEngine
    does, while it builds from a config) is shown as it was raised.
    """

    @functools.wraps(main)
    def wrapper(argv: Optional[List[str]] = None) -> Any:
        arguments = sys.argv[1:] if argv is None else argv
        try:
            return main(argv)
        except Exception as error:
            cause = _user_error(error)
            if cause is None or '--debug' in arguments:
                raise
            print(f'error: {cause}', file=sys.stderr)
            raise SystemExit(2) from None

    return wrapper


# A ``raise`` written in one of these packages answers what a config or a file holds.
_CHECKING_PACKAGES = ('vlplugins', 'mmengine.registry', 'mmengine.optim.scheduler')


def _user_error(error: Optional[BaseException]) -> Optional[BaseException]:
    while error is not None:
        if isinstance(error, _USER_ERRORS) or (isinstance(error, Exception) and _is_validation(error)):
            return error
        # MMEngine raises an error of a constructor anew, with the same type and the name of the class before it.
        same = type(error.__context__) is type(error) and not error.__suppress_context__
        error = error.__cause__ or (error.__context__ if same else None)
    return None


def _is_validation(error: Exception) -> bool:
    """Whether a ``raise`` statement of a package that checks its input made the error, not an operation that failed."""
    traceback = error.__traceback__
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    module = traceback.tb_frame.f_globals.get('__name__', '')
    if not any(module == name or module.startswith(f'{name}.') for name in _CHECKING_PACKAGES):
        return False
    return linecache.getline(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno).lstrip().startswith('raise ')


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that training and testing share."""
    parser.add_argument('--work-dir', help='folder for logs and checkpoints (default: work_dirs/<config name>)')
    parser.add_argument('--seed', type=int, help='seed of all random numbers')
    parser.add_argument('--deterministic', action='store_true', help='use deterministic algorithms only')
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none', help='job launcher')
    # torchrun passes it to each process; the launcher reads it from the environment.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument('--out', help='write the final metrics to this JSON file')
    add_config_options(parser)


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options`` and ``--debug``."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        metavar='KEY=VALUE',
        help='change keys of the config, e.g. model.backbone.depth=18 widths="(1.0,0.5)"',
    )
    parser.add_argument('--debug', action='store_true', help='show the traceback of an error')


def load_config(path: str, options: Optional[dict] = None, check: bool = True) -> Config:
    """Read a config file, apply ``--cfg-options``, and check it.

    Raises:
        UsageError: no such file, a file that is not a config, or an option whose key does not fit.
        ConfigError: unknown types or arguments in the config.
    """
    if not Path(path).is_file():
        near = sorted(Path(path).parent.glob('*.py')) if Path(path).parent.is_dir() else []
        hint = f'; {Path(path).parent} has {", ".join(each.name for each in near[:8])}' if near else ''
        raise UsageError(f'no such config: {path}{hint}')
    try:
        cfg = Config.fromfile(path)
    except (SyntaxError, NameError, KeyError, TypeError, OSError, AttributeError, ImportError) as error:
        raise UsageError(f'{path} cannot be read as a config: {type(error).__name__}: {error}') from error
    if options:
        _check_options(cfg, options, path)
        try:
            cfg.merge_from_dict(options)
        except (KeyError, TypeError, IndexError) as error:
            raise UsageError(f'--cfg-options {options} do not fit {path}: {error}') from error
    if check:
        check_config(cfg)
    return cfg


def _check_options(cfg: Config, options: dict, path: str) -> None:
    """A misspelt first key would be added to the config without effect."""
    for key in options:
        first = key.split('.')[0]
        if '.' in key and first not in cfg:
            raise UsageError(f"--cfg-options {key}: {path} has no key '{first}'; it has {sorted(cfg.keys())}")


def apply_run_arguments(cfg: Config, args: argparse.Namespace) -> None:
    """Put work folder, seed and launcher of the command line into the config.

    Without a GPU, or for a CPU process group, the communication backend becomes gloo.
    """
    import torch

    if args.launcher != 'none' and 'LOCAL_RANK' not in os.environ:
        os.environ['LOCAL_RANK'] = str(args.local_rank)
    cfg.launcher = args.launcher
    if args.work_dir:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs', Path(cfg.filename).stem))
    randomness = cfg.setdefault('randomness', ConfigDict())
    # MMEngine wants the key; the configs of mmdet and others have no randomness at all.
    randomness.setdefault('seed', None)
    if args.seed is not None:
        randomness.seed = args.seed
    if args.deterministic:
        randomness.deterministic = True
    if not torch.cuda.is_available():
        cfg.setdefault('env_cfg', ConfigDict()).setdefault('dist_cfg', ConfigDict()).backend = 'gloo'
        if args.launcher != 'none':
            _wrap_for_cpu(cfg)


def _wrap_for_cpu(cfg: Config) -> None:
    """MMEngine's runner names a GPU to DistributedDataParallel, unless the config says that there is none."""
    unused = cfg.get('find_unused_parameters', False)
    default = dict(type='MMDistributedDataParallel', broadcast_buffers=False, find_unused_parameters=unused)
    wrapper = cfg.setdefault('model_wrapper_cfg', ConfigDict(default))
    if wrapper.setdefault('type', default['type']).endswith('DistributedDataParallel'):
        wrapper.setdefault('device_ids', None)


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config: MMEngine's ``Runner``, or what its ``runner_type`` names (``FlexibleRunner``)."""
    cfg.setdefault('default_scope', 'vlplugins')
    strategy = cfg.get('strategy')
    if isinstance(strategy, dict) and strategy.get('type') == 'DeepSpeedStrategy':
        require('deepspeed', 'DeepSpeedStrategy')
    return RUNNERS.build(cfg) if 'runner_type' in cfg else Runner.from_cfg(cfg)


def write_metrics(path: str, metrics: dict) -> None:
    """Write metrics as JSON, numbers as floats."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps({key: float(value) for key, value in metrics.items()}, indent=1) + '\n')


def check_checkpoint(path: Optional[str]) -> None:
    """Raise :class:`UsageError` where a local checkpoint does not exist; addresses with a scheme are left alone."""
    if path and '://' not in path and not Path(path).is_file():
        raise UsageError(f'no such checkpoint: {path}')


def leave_process_group() -> None:
    """End the communication with the other processes, when all are done; whatever holds a model must be gone.

    A thread of gloo that lets go of its last tensor while the interpreter ends aborts a process that has succeeded. The
    threads end with the process group, and that ends when nothing refers to it, such as a distributed wrapper.
    """
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()
        gc.collect()
        distributed.destroy_process_group()
