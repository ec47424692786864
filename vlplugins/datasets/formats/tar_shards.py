"""Files inside uncompressed tar archives, read where they lie."""

import os
import tarfile
from typing import Dict, NamedTuple, Optional, Tuple

from vlplugins.utils.records import RecordError

_SEPARATOR = '.tar/'


class _Shard(NamedTuple):
    descriptor: int
    # Offset and size of each file.
    members: Dict[str, Tuple[int, int]]


def split_shard(path: str) -> Optional[Tuple[str, str]]:
    """``'a/00000.tar/b/7.jpg'`` to ``('a/00000.tar', 'b/7.jpg')``; ``None`` for a path that lies in no archive."""
    shard, separator, member = path.partition(_SEPARATOR)
    return (shard + _SEPARATOR[:-1], member) if separator and member else None


class TarShards:
    """Reads files of tar archives, such as the shards that ``img2dataset`` writes.

    The headers of an archive are read once, when the first of its files is asked for; after that a file costs one read.
    Archives are opened anew in each process, and read at given places, so that workers do not disturb each other.
    """

    def __init__(self) -> None:
        self._shards: Dict[str, _Shard] = {}
        self._process = os.getpid()

    def __getstate__(self) -> dict:
        return {}

    def __setstate__(self, state: dict) -> None:
        self.__init__()

    def has(self, shard: str, member: str) -> bool:
        """Whether the archive has the file.

        Raises:
            RecordError: an archive that is missing, compressed or damaged.
        """
        return member in self._open(shard).members

    def read(self, shard: str, member: str) -> bytes:
        """Content of a file.

        Raises:
            RecordError: as :meth:`has`; the archive has no such file, or ends within it.
        """
        opened = self._open(shard)
        if member not in opened.members:
            raise RecordError(shard, f'no file {member!r}', 'one of its members', member)
        offset, size = opened.members[member]
        data = os.pread(opened.descriptor, size, offset)
        if len(data) < size:
            raise RecordError(shard, f'{len(data)} of {size} bytes', 'a whole archive', member)
        return data

    def _open(self, path: str) -> _Shard:
        if self._process != os.getpid():
            self.__init__()
        if path not in self._shards:
            try:
                with tarfile.open(path, 'r:') as archive:
                    members = {each.name: (each.offset_data, each.size) for each in archive if each.isfile()}
                self._shards[path] = _Shard(os.open(path, os.O_RDONLY), members)
            except OSError as error:
                raise RecordError(path, error.strerror or 'an unreadable file', 'a tar archive') from None
            except tarfile.TarError as error:
                raise RecordError(path, f'no uncompressed tar archive ({error})', 'a tar archive') from None
        return self._shards[path]
