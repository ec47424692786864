"""Run a function in several processes that form a gloo group, to show that N processes equal one."""

import os
import tempfile
import traceback
from pathlib import Path
from typing import Any, Callable, List

import torch
import torch.distributed as torch_dist
import torch.multiprocessing as multiprocessing

from vlplugins.utils.cli import leave_process_group


def run_distributed(function: Callable, world_size: int = 2, *args: Any, timeout: float = 120.0) -> List[Any]:
    """Call ``function(rank, world_size, *args)`` in each process and return the results in rank order.

    ``function`` must be importable (defined at module level), and its result a tree of tensors and plain values.

    Raises:
        RuntimeError: a process failed; the message holds its traceback.
        TimeoutError: a process has not ended within ``timeout`` seconds.
    """
    # Children are copies of a server that has imported what takes long, and has no thread that a copy would lack.
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['mmdet.models', 'vlplugins.models', 'vlplugins.evaluation', 'vlplugins.datasets'])
    with tempfile.TemporaryDirectory() as folder:
        arguments = [(function, rank, world_size, folder, args) for rank in range(world_size)]
        processes = [context.Process(target=_child, args=each) for each in arguments]
        for process in processes:
            process.start()
        try:
            for process in processes:
                process.join(timeout)
                if process.is_alive():
                    raise TimeoutError(f'{function.__name__} is not finished after {timeout} s')
        finally:
            for process in processes:
                process.kill()
        errors = [path.read_text() for path in sorted(Path(folder).glob('error*'))]
        if errors:
            raise RuntimeError('\n'.join(errors))
        return [torch.load(Path(folder, f'result{rank}.pth'), weights_only=False) for rank in range(world_size)]


def _child(function: Callable, rank: int, world_size: int, folder: str, args: tuple) -> None:
    os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE=str(world_size))
    torch.set_num_threads(1)
    try:
        torch_dist.init_process_group('gloo', init_method=f'file://{folder}/group', rank=rank, world_size=world_size)
        result = function(rank, world_size, *args)
        torch.save(result, Path(folder, f'result{rank}.pth'))
        leave_process_group()
    except Exception:
        Path(folder, f'error{rank}').write_text(f'process {rank}:\n{traceback.format_exc()}')
