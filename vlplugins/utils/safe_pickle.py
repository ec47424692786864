"""Unpickling that runs no code: only names of an allow-list are looked up.

A pickle is a program; whoever unpickles a downloaded checkpoint or annotation file runs it. Here a file may name
tensors, arrays, plain containers and MMEngine's log buffers, and nothing else.
"""

import functools
import importlib
import io
import pickle
import types
from pathlib import Path
from typing import Any, BinaryIO, Callable, Dict, Set, Tuple, Union

import torch

# What checkpoints and annotation files are made of. Every name here builds a value and does nothing else.
_ALLOWED: Dict[str, Set[str]] = {
    'builtins': set('bool bytearray bytes complex dict float frozenset int list range set slice str tuple'.split()),
    'collections': {'OrderedDict', 'defaultdict', 'Counter', 'deque'},
    'copyreg': {'_reconstructor'},
    'pathlib': {'Path', 'PosixPath', 'PurePath', 'PurePosixPath'},
    'numpy': {'ndarray', 'dtype'},
    'torch': {'Size', 'device', 'Tensor'},
    'torch.nn.parameter': {'Parameter'},
    'torch.storage': {'UntypedStorage', 'TypedStorage'},
    'torch._utils': {
        '_rebuild_tensor',
        '_rebuild_tensor_v2',
        '_rebuild_parameter',
        '_rebuild_parameter_with_state',
    },
    'mmengine.logging.history_buffer': {'HistoryBuffer'},
    'mmengine.config.config': {'ConfigDict'},
}
for _module in ('numpy.core', 'numpy._core'):
    _ALLOWED[f'{_module}.multiarray'] = {'_reconstruct', 'scalar'}
    _ALLOWED[f'{_module}.numeric'] = {'_frombuffer'}

# Pickles of the first protocols spell these names so.
_OLD_NAMES = {'__builtin__': 'builtins', 'copy_reg': 'copyreg'}
_TEXT_CODECS = ('latin1', 'latin-1', 'utf-8', 'utf8', 'ascii')
_HISTORY_METHODS = ('min', 'max', 'current', 'mean', 'statistics')


class UnsafePickleError(pickle.UnpicklingError):
    """A file that asks for a name beyond the allow-list."""


class CheckpointError(RuntimeError):
    """A file that is not a checkpoint, or a damaged one."""


def _restricted_getattr(owner: Any, name: str) -> Any:
    """Stands in for ``getattr``: MMEngine's buffers are saved with references to their own methods."""
    if getattr(owner, '__name__', None) == 'HistoryBuffer' and name in _HISTORY_METHODS:
        return getattr(owner, name)
    raise UnsafePickleError(f'getattr(..., {name!r})')


def _restricted_encode(text: str, encoding: str = 'latin1', *_: Any) -> bytes:
    """Stands in for ``codecs.encode``, by which old protocols write bytes."""
    if encoding not in _TEXT_CODECS:
        raise UnsafePickleError(f'codecs.encode(..., {encoding!r})')
    return text.encode(encoding)


def _restricted_load_from_bytes(data: bytes) -> Any:
    """Stands in for the function by which a tensor outside a checkpoint (in a dump of predictions) is unpickled."""
    try:
        return torch.load(io.BytesIO(data), weights_only=True)
    except pickle.UnpicklingError:
        raise UnsafePickleError('torch.storage._load_from_bytes of what is no tensor') from None


def _resolve(module: str, name: str) -> Any:
    """Return what an allowed name stands for.

    Raises:
        UnsafePickleError: the name is not allowed.
    """
    module = _OLD_NAMES.get(module, module)
    if (module, name) == ('builtins', 'getattr'):
        return _restricted_getattr
    if (module, name) == ('_codecs', 'encode'):
        return _restricted_encode
    if (module, name) == ('torch.storage', '_load_from_bytes'):
        return _restricted_load_from_bytes
    if module == 'mmengine.logging.history_buffer' and name.startswith('HistoryBuffer.'):
        return _restricted_getattr(_resolve(module, 'HistoryBuffer'), name.split('.', 1)[1])
    if name in _ALLOWED.get(module, ()):
        try:
            return getattr(importlib.import_module(module), name)
        except ModuleNotFoundError:
            # NumPy renamed its core; the file comes from the other side of the change.
            other = (
                module.replace('numpy._core', 'numpy.core') if '_core' in module else module.replace('core', '_core')
            )
            return getattr(importlib.import_module(other), name)
    if module == 'numpy.dtypes' and name.endswith('DType') and name.isidentifier():
        return getattr(importlib.import_module(module), name)
    if module == 'torch' and isinstance(getattr(torch, name, None), torch.dtype):
        return getattr(torch, name)
    if module == 'torch' and name.endswith('Storage') and name.isidentifier():
        return getattr(torch, name)
    raise UnsafePickleError(f'{module}.{name}')


class SafeUnpickler(pickle.Unpickler):
    """Unpickler that looks up names of the allow-list alone.

    Args:
        file: The open file.
        name: What messages call it.
        kwargs: Arguments of ``pickle.Unpickler``.
    """

    def __init__(self, file: BinaryIO, *, name: Union[str, Path] = 'pickle', **kwargs: Any) -> None:
        super().__init__(file, **kwargs)
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        """Look up a name that the pickle asks for.

        Raises:
            UnsafePickleError: it is not allowed.
        """
        try:
            return _resolve(module, name)
        except UnsafePickleError as error:
            raise UnsafePickleError(_message(self._name, str(error))) from None

    def load(self) -> Any:
        """Unpickle one object."""
        try:
            return super().load()
        except UnsafePickleError as error:
            if str(self._name) in str(error):
                raise
            raise UnsafePickleError(_message(self._name, str(error))) from None


def _message(name: Union[str, Path], what: str) -> str:
    return (
        f'{name}: the file asks for {what}, which is not among what a data file may contain; '
        'it was refused, and nothing of it was run'
    )


def load(file: Union[str, Path, BinaryIO], **kwargs: Any) -> Any:
    """Unpickle a file (a path, or open in binary mode).

    Raises:
        UnsafePickleError: it asks for a name that is not allowed.
        pickle.UnpicklingError: it is no pickle, or is damaged; the file is named.
    """
    if isinstance(file, (str, Path)):
        with open(file, 'rb') as opened:
            return load_named(opened, file, **kwargs)
    return load_named(file, getattr(file, 'name', 'pickle'), **kwargs)


def load_named(file: BinaryIO, name: Union[str, Path], **kwargs: Any) -> Any:
    """Unpickle an open file that messages call ``name``; raises as :func:`load`."""
    try:
        return SafeUnpickler(file, name=name, **kwargs).load()
    except UnsafePickleError:
        raise
    except (EOFError, pickle.UnpicklingError, ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise pickle.UnpicklingError(f'{name}: no pickle, or a damaged one ({error})') from None


def as_pickle_module(name: Union[str, Path]) -> types.ModuleType:
    """A stand-in for the module ``pickle`` that unpickles safely, for ``torch.load(pickle_module=...)``."""
    module = types.ModuleType('safe_pickle')
    unpickler: Callable = type('Unpickler', (SafeUnpickler,), {'__init__': _named_init(name)})
    module.Unpickler = unpickler
    module.load = lambda file, **kwargs: unpickler(file, **kwargs).load()
    module.loads = lambda data, **kwargs: unpickler(io.BytesIO(data), **kwargs).load()
    module.UnpicklingError = pickle.UnpicklingError
    return module


def _named_init(name: Union[str, Path]) -> Callable:
    return functools.partialmethod(SafeUnpickler.__init__, name=name)


def allowed_names() -> Set[Tuple[str, str]]:
    """The names of the allow-list, as (module, name)."""
    return {(module, name) for module, names in _ALLOWED.items() for name in names}
