"""Files kept as values of an LMDB database."""

import functools
import os
from pathlib import Path
from typing import Any, Optional, Tuple, Union

from vlplugins.utils.optional import require


@functools.cache
def _open_database(path: str, process: int) -> Any:
    """Open a database once in each process: LMDB allows no second handle, and none that crosses a fork."""
    lmdb = require('lmdb', f'the database {path}')
    return lmdb.open(path, readonly=True, lock=False, readahead=False, meminit=False, subdir=Path(path).is_dir())


def read_value(database: Union[str, Path], key: str) -> Optional[bytes]:
    """The value of a key, or ``None`` if the database does not hold it.

    Raises:
        ImportError: the package lmdb is missing.
    """
    with _open_database(str(database), os.getpid()).begin() as transaction:
        return transaction.get(key.encode('utf-8'))


def split_database_path(path: Union[str, Path]) -> Optional[Tuple[str, str]]:
    """Database and key of a path like ``videos.lmdb/film/clip.avi``; ``None`` if no part of it is a database."""
    for parent in Path(path).parents:
        if parent.suffix == '.lmdb' and parent.exists():
            return str(parent), Path(path).relative_to(parent).as_posix()
    return None
