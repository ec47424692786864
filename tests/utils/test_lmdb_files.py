import pytest

from vlplugins.utils.lmdb_files import read_value, split_database_path

lmdb = pytest.importorskip('lmdb')


@pytest.mark.parametrize('subdir', [True, False])
def test_values_are_read_by_key(tmp_path, subdir):
    path = tmp_path / 'a.lmdb'
    with lmdb.open(str(path), subdir=subdir) as environment, environment.begin(write=True) as transaction:
        transaction.put('b/ü.mp4'.encode(), b'content')
    assert split_database_path(f'{path}/b/ü.mp4') == (str(path), 'b/ü.mp4')
    assert read_value(path, 'b/ü.mp4') == b'content'
    assert read_value(path, 'absent') is None


def test_paths_outside_a_database_are_no_keys(tmp_path):
    assert split_database_path(tmp_path / 'x.mp4') is None
    # a folder that is not there is no database, whatever it is called
    assert split_database_path(tmp_path / 'a.lmdb/x.mp4') is None
