"""MMEngine 0.10.7: its launchers name a GPU to the process (``torch.cuda.set_device``) before they form the group.

A CPU build of torch has no such function inside, and a CUDA build on a machine without a GPU refuses it, so no config
could run in several processes on a CPU (backend gloo). There the call is left out.
"""

import functools
from typing import Any, Callable
from unittest import mock

import torch
from mmengine.dist import utils

_LAUNCHERS = ('_init_dist_pytorch', '_init_dist_slurm', '_init_dist_mpi')


def _without_gpu(launch: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(launch)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        if torch.cuda.is_available():
            launch(*args, **kwargs)
            return
        with mock.patch.object(torch.cuda, 'set_device', lambda device: None):
            launch(*args, **kwargs)

    return wrapper


def install() -> None:
    """Wrap MMEngine's launchers, once."""
    for name in _LAUNCHERS:
        launch = getattr(utils, name)
        if not hasattr(launch, '__wrapped__'):
            setattr(utils, name, _without_gpu(launch))
