import h5py
import numpy as np
import pytest

from tests.helpers.grounding import write
from tests.helpers.tools import mistake
from tools.dataset_converters import c3d_hdf5_to_npy


@pytest.fixture
def features(tmp_path):
    path = tmp_path / 'c3d.hdf5'
    with h5py.File(path, 'w') as file:
        for number, name in enumerate(('v_a', 'v_b', 'v_c'), 1):
            file[f'{name}/c3d_features'] = np.full((number, 500), number, np.float64)
    return path


def convert(path, out, *arguments):
    c3d_hdf5_to_npy.main([str(path), '--out', str(out), *arguments])


def test_each_video_gets_a_file_once(tmp_path, features, capsys):
    convert(features, tmp_path / 'out')
    assert '3 written, 0 kept, 0 missing' in capsys.readouterr().out
    found = np.load(tmp_path / 'out/v_b.npy')
    assert found.shape == (2, 500) and found.dtype == np.float32 and (found == 2).all()
    (tmp_path / 'out/v_b.npy').unlink()
    convert(features, tmp_path / 'out')
    assert '1 written, 2 kept, 0 missing' in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['v_a.npy', 'v_b.npy', 'v_c.npy']


def test_videos_of_the_annotations_alone(tmp_path, features, capsys):
    path = write(tmp_path / 'train.json', {'v_c': {}, 'v_x': {}})
    convert(features, tmp_path / 'out', '--ann-file', path)
    assert '1 written, 0 kept, 1 missing' in capsys.readouterr().out


@pytest.mark.parametrize(
    'array, message',
    [
        (np.full((2, 500), np.nan), 'values that are not finite'),
        (np.ones(500), r'c3d_features (500,)'),
        (np.ones((0, 500)), 'c3d_features (0, 500)'),
        (None, 'a group with c3d_features'),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path, features, capsys, array, message):
    with h5py.File(features, 'a') as file:
        if array is None:
            file['v_d/other'] = np.ones(1)
        else:
            file['v_d/c3d_features'] = array
    told = mistake(capsys, c3d_hdf5_to_npy, features, '--out', tmp_path / 'out')
    assert message in told and 'v_d' in told and str(features) in told


def test_another_file_is_told(tmp_path, capsys):
    path = tmp_path / 'x.hdf5'
    path.write_text('no')
    assert 'no HDF5 file' in mistake(capsys, c3d_hdf5_to_npy, path, '--out', tmp_path / 'out')
