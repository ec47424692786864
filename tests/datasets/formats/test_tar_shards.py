import os
import pickle
import tarfile

import pytest

from tests.helpers.records import refused
from vlplugins.datasets.formats.tar_shards import TarShards, split_shard


@pytest.fixture
def shard(tmp_path):
    for name, text in (('a.txt', b'first'), ('b.txt', b'the second')):
        (tmp_path / name).write_bytes(text)
    with tarfile.open(tmp_path / 's.tar', 'w') as archive:
        archive.add(tmp_path / 'a.txt', 'in/a.txt')
        archive.add(tmp_path / 'b.txt', 'b.txt')
    return str(tmp_path / 's.tar')


def test_paths_into_archives():
    assert split_shard('x/1.tar/a/b.jpg') == ('x/1.tar', 'a/b.jpg')
    assert split_shard('x/1.tar') is None and split_shard('x/1.tar/') is None and split_shard('x/a.jpg') is None


def test_members_are_read_where_they_lie(shard):
    shards = TarShards()
    assert shards.read(shard, 'b.txt') == b'the second' and shards.read(shard, 'in/a.txt') == b'first'
    assert shards.has(shard, 'b.txt') and not shards.has(shard, 'a.txt')
    # The headers are read once: what happens to the file afterwards does not matter.
    os.remove(shard)
    assert shards.read(shard, 'in/a.txt') == b'first'


def test_a_copy_of_another_process_opens_its_own(shard):
    shards = TarShards()
    shards.read(shard, 'b.txt')
    other = pickle.loads(pickle.dumps(shards))
    assert not other._shards and other.read(shard, 'b.txt') == b'the second'


def test_what_is_no_archive_is_refused(shard, tmp_path):
    with refused("no file 'c.txt'"):
        TarShards().read(shard, 'c.txt')
    with refused('No such file'):
        TarShards().read(str(tmp_path / 'none.tar'), 'c.txt')
    (tmp_path / 'text.tar').write_text('hello' * 300)
    with refused('no uncompressed tar archive'):
        TarShards().has(str(tmp_path / 'text.tar'), 'c.txt')
    with open(shard, 'r+b') as file:
        file.truncate(512 * 3 + 4)
    with refused('of 10 bytes|no uncompressed tar'):
        TarShards().read(shard, 'b.txt')
