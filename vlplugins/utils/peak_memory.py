"""The largest memory that a piece of work takes."""

import multiprocessing
import re
from pathlib import Path
from typing import Any, Callable

import torch

_STATUS, _RESET = Path('/proc/self/status'), Path('/proc/self/clear_refs')


def _resident(field: str) -> int:
    return 1024 * int(re.search(rf'{field}:\s+(\d+) kB', _STATUS.read_text()).group(1))


def peak_bytes(work: Callable[[], object], device: str = 'cpu') -> int:
    """Largest memory during ``work``, in bytes, above what was taken before it.

    On a GPU what the allocator of torch gave out, on the CPU the resident memory of the process. Memory that the
    process has freed and not given back hides a part of the peak: on the CPU use :func:`peak_bytes_of_process`.

    Raises:
        RuntimeError: the system does not tell the peak of a process (Linux does).
    """
    if torch.device(device).type == 'cuda':
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        torch.cuda.synchronize()
        return torch.cuda.max_memory_allocated() - before
    if not _RESET.exists():
        raise RuntimeError(f'there is no {_RESET} here: the peak of a process on the CPU is measured on Linux alone')
    _RESET.write_text('5')
    before = _resident('VmRSS')
    work()
    return max(0, _resident('VmHWM') - before)


def peak_bytes_of_process(measure: Callable[..., int], *args: Any) -> int:
    """What ``measure(*args)`` returns in a process of its own, which has freed nothing before.

    Args:
        measure: A function of a module that ends in a call of :func:`peak_bytes`.
        args: Its arguments, sent as a pickle.
    """
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        return pool.apply(measure, args)
