import io
import zipfile

import numpy as np
import pytest

from tests.helpers.records import refused
from vlplugins.utils.safe_npz import load_npz
from vlplugins.utils.safe_pickle import UnsafePickleError


def member(array):
    data = io.BytesIO()
    np.save(data, array, allow_pickle=True)
    return data.getvalue()


def write(path, **members):
    with zipfile.ZipFile(path, 'w') as archive:
        for name, data in members.items():
            archive.writestr(f'{name}.npy', data)
    return path


def test_arrays_and_plain_objects_are_read(tmp_path):
    array, content = np.arange(6.0).reshape(2, 3).T, dict(lines=['a', 'b'], count=2)
    path = write(tmp_path / 'good.npz', array=member(array), content=member(np.array(content, dtype=object)))
    found = load_npz(path)
    np.testing.assert_array_equal(found['array'], array)
    assert found['content'] == content and list(load_npz(path, ['array'])) == ['array']


@pytest.mark.parametrize('data', [member(np.arange(9))[:-8], b'no array', member(np.arange(9))[:20]])
def test_damaged_array_is_told_by_file_and_name(tmp_path, data):
    path = write(tmp_path / 'bad.npz', good=member(np.arange(3)), bad=data)
    with refused(r'bad\.npz, bad.*a damaged array'):
        load_npz(path)
    assert load_npz(path, ['good'])['good'].tolist() == [0, 1, 2]


def test_objects_that_could_run_code_are_refused(tmp_path):
    path = write(tmp_path / 'evil.npz', evil=member(np.array([print], dtype=object)))
    with pytest.raises(UnsafePickleError):
        load_npz(path)
