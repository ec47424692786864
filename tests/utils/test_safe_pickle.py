import collections
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.logging import HistoryBuffer

from vlplugins.utils import safe_pickle
from vlplugins.utils.safe_pickle import UnsafePickleError

PLAIN = [
    dict(a=[1, 2.5, 'x', None, True], b=(1, {2, 3}), c=b'bytes', d=slice(1, 2), e=complex(1, 2)),
    OrderedDict(x=1),
    collections.defaultdict(list, a=[1]),
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array(['a', 'bc']),
    np.array([dict(a=1), None], dtype=object),
    np.float64(2.5),
    np.dtype('int16'),
    torch.Size([1, 2]),
    torch.float16,
    torch.device('cpu'),
    ConfigDict(a=dict(b=1)),
]


@pytest.mark.parametrize('protocol', [0, 2, 4, 5])
@pytest.mark.parametrize('value', PLAIN, ids=lambda value: type(value).__name__)
def test_values_of_data_files_survive(tmp_path, value, protocol):
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    loaded = safe_pickle.load(path)
    assert type(loaded) is type(value)
    assert np.array_equal(loaded, value) if isinstance(value, np.ndarray) else loaded == value


@pytest.mark.parametrize('protocol', [2, 4])
def test_log_buffers_survive(tmp_path, protocol):
    buffer = HistoryBuffer([1.0, 3.0], [1, 1])
    path = tmp_path / 'x.pkl'
    path.write_bytes(pickle.dumps(buffer, protocol=protocol))
    assert safe_pickle.load(path).mean() == 2.0


class Call:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def global_opcode(module, name, *arguments):
    """A pickle that calls ``module.name`` by text, whatever is importable here."""
    return f'c{module}\n{name}\n('.encode() + b''.join(pickle.dumps(a, 0)[:-1] for a in arguments) + b'tR.'


def attacks(marker):
    command = f'touch {marker}'
    getter = pickle.dumps(Call(getattr, HistoryBuffer, '__init__'), 2)
    return {
        'posix.system': pickle.dumps(Call(os.system, command)),
        'os.system in protocol 0': global_opcode('os', 'system', command),
        'eval': pickle.dumps(Call(eval, f'__import__("os").system("{command}")')),
        'exec in an object array': pickle.dumps(np.array([Call(exec, f'open("{marker}", "w")')], dtype=object)),
        'getattr of another attribute': getter,
        'builtins.__import__': global_opcode('builtins', '__import__', 'os'),
        'unknown codec': pickle.dumps(Call(__import__('_codecs').encode, 'abc', 'rot13')),
        'torch.load of bytes': pickle.dumps(Call(torch.storage._load_from_bytes, b'x')),
        'subprocess': global_opcode('subprocess', 'Popen', command),
        'dotted name': b'\x80\x04\x8c\x08builtins\x8c\x10dict.__class__.mro\x93.'.replace(b'\x10', b'\x12'),
        'class of vlplugins': global_opcode('vlplugins.utils.safe_pickle', 'load', 'x'),
    }


@pytest.mark.parametrize('name', list(attacks('x')))
def test_attacks_are_refused_and_do_nothing(tmp_path, name):
    marker, path = tmp_path / 'ran', tmp_path / 'evil.pkl'
    path.write_bytes(attacks(marker)[name])
    with pytest.raises(UnsafePickleError, match=r'evil.pkl: the file asks for .*nothing of it was run'):
        safe_pickle.load(path)
    assert not marker.exists()


@pytest.mark.parametrize('content', [b'', b'hello', pickle.dumps([1, 2, 3])[:-2]])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / 'bad.pkl'
    path.write_bytes(content)
    with pytest.raises(pickle.UnpicklingError, match='bad.pkl: no pickle, or a damaged one'):
        safe_pickle.load(path)


def test_allow_list_holds_nothing_that_runs_code():
    names = {name for _, name in safe_pickle.allowed_names()}
    assert not names & {
        'eval',
        'exec',
        'compile',
        'open',
        'getattr',
        'setattr',
        '__import__',
        'system',
        'Popen',
        'load',
    }


def test_tensors_outside_a_checkpoint_are_read_and_run_no_code(tmp_path):
    """As a dump of predictions has them: a tensor is bytes that torch unpickles in turn."""
    import io

    path = tmp_path / 'dump.pkl'
    path.write_bytes(pickle.dumps([dict(score=torch.arange(3.0), label=torch.tensor([1]))]))
    (record,) = safe_pickle.load(path)
    assert record['score'].tolist() == [0, 1, 2] and record['label'].tolist() == [1]

    class Evil:
        def __reduce__(self):
            return print, ('run',)

    inner = io.BytesIO()
    torch.save(Evil(), inner)

    class Outer:
        def __reduce__(self):
            return torch.storage._load_from_bytes, (inner.getvalue(),)

    path.write_bytes(pickle.dumps(Outer()))
    with pytest.raises(pickle.UnpicklingError):
        safe_pickle.load(path)
