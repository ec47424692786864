"""MMEngine 0.10.7 with torch 2.6 and later: a checkpoint of the runner cannot be loaded, so ``resume=True`` fails.

A checkpoint holds MMEngine's log buffers, which ``torch.load`` no longer accepts by default. Switching its check off
would let a downloaded checkpoint run any code, so files are read by :mod:`vlplugins.utils.safe_pickle` instead. The
same loader serves downloads, which torch's hub helper would unpickle without any check.
"""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any, Optional
from urllib.parse import urlparse

import torch
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader

from vlplugins.utils.safe_pickle import CheckpointError, UnsafePickleError, as_pickle_module


def load_checkpoint_file(filename: str, map_location: Any = None, **_: Any) -> Any:
    """Load a checkpoint without running anything of it.

    Args:
        filename: Path of the file; ``~`` is expanded.
        map_location: As in ``torch.load``.

    Raises:
        FileNotFoundError: no such file.
        UnsafePickleError: it asks for a name that a checkpoint has no use for; file and name are in the message.
        CheckpointError: no checkpoint, a damaged one, or a TorchScript archive.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f'no such checkpoint: {filename}')
    size = path.stat().st_size
    if is_torchscript(path):
        raise CheckpointError(f'{filename} is a TorchScript program, not a checkpoint')
    try:
        return torch.load(path, map_location, pickle_module=as_pickle_module(filename), weights_only=False)
    except UnsafePickleError:
        raise
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError, ValueError, KeyError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f'{filename} ({size} bytes) is damaged or no checkpoint: {reason[:200]}. '
            'It may have been cut off while it was written or copied; use an earlier one or fetch it again'
        ) from None


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive: a program, which ``torch.jit.load`` reads, and no pickle."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith('constants.pkl') for name in archive.namelist())


def load_url(url: str, model_dir: Optional[str] = None, map_location: Any = None, progress: bool = True) -> Any:
    """Download a checkpoint into torch's cache (once) and load it as :func:`load_checkpoint_file`."""
    folder = Path(model_dir or Path(torch.hub.get_dir(), 'checkpoints'))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / os.path.basename(urlparse(url).path)
    if not path.exists():
        torch.hub.download_url_to_file(url, str(path), progress=progress)
    return load_checkpoint_file(str(path), map_location)


def install() -> None:
    """Make it MMEngine's loader of local files and of downloads."""
    # CheckpointLoader prints the name of the loader without its first ten letters, "load_from_".
    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
    mmengine_checkpoint.load_url = load_url


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Load a local checkpoint; the name is what MMEngine's log makes its message of."""
    return load_checkpoint_file(filename, map_location)
