"""Reading ``.npz`` files whose arrays may hold pickled dicts, without running what they contain."""

import io
import zipfile
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Union

import numpy as np

from vlplugins.utils import safe_pickle
from vlplugins.utils.records import RecordError

_EXPECTED = 'a complete .npz file'


def load_npz(path: Union[str, Path], keys: Optional[Sequence[str]] = None) -> Dict[str, Any]:
    """Arrays of a ``.npz`` file by name; an array that holds one pickled object gives that object.

    Args:
        path: The file.
        keys: Names to read; all by default.

    Raises:
        RecordError: no such file, a truncated or damaged one, or a missing key (the present ones are named).
        UnsafePickleError: a pickled object that asks for more than plain data.
    """
    if not Path(path).is_file():
        raise RecordError(path, 'no such file', _EXPECTED)
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name[: -len('.npy')]: name for name in archive.namelist() if name.endswith('.npy')}
            missing = [key for key in keys or () if key not in names]
            if missing:
                raise RecordError(path, f'the keys {sorted(names)}', f'the keys {list(keys)}')
            return {key: _read(archive, names[key], f'{path}, {key}') for key in (keys or names)}
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise RecordError(path, f'a truncated or damaged file ({error})', _EXPECTED) from None


def _read(archive: zipfile.ZipFile, member: str, name: str) -> Any:
    data = io.BytesIO(archive.read(member))
    try:
        return np.lib.format.read_array(data, allow_pickle=False)
    except ValueError as error:
        data.seek(0)
        if not _has_objects(data):
            raise RecordError(name, f'a damaged array ({error})', 'an array of NumPy') from None
    array = safe_pickle.load_named(data, name, encoding='latin1')
    return array.item() if isinstance(array, np.ndarray) and array.shape == () else array


def _has_objects(data: io.BytesIO) -> bool:
    """Whether a header, which is read, announces objects; a damaged one does not."""
    try:
        version = np.lib.format.read_magic(data)
        reader = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return reader(data)[-1].hasobject
    except ValueError:
        return False
