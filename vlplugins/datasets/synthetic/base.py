"""Small data sets that are written to disk once, in the format of a real one."""

import inspect
import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Dict

from mmengine.logging import print_log

_FINGERPRINT = 'fingerprint.json'


class SyntheticDataset(ABC):
    """A generator of a small data set on disk.

    A subclass documents what signal it plants, why the label cannot leak, and what chance and a perfect model score.
    It keeps each constructor argument under its own name, and raises ``version`` when it writes something else.

    Args:
        root: Folder of the set.
        seed: Seed of all its random choices.
    """

    version = 1

    def __init__(self, root: str, seed: int = 0) -> None:
        self.root, self.seed = str(root), seed

    @abstractmethod
    def write(self, folder: Path) -> None:
        """Write the set into ``folder``, which exists and is empty."""

    def fingerprint(self) -> Dict[str, Any]:
        """What determines the content: the class, its version and its arguments, except ``root``."""
        names = [name for name in inspect.signature(type(self)).parameters if name != 'root']
        arguments = {name: getattr(self, name) for name in names}
        content = dict(type=type(self).__name__, version=self.version, arguments=arguments)
        return json.loads(json.dumps(content))

    def prepare(self) -> Path:
        """Write the set unless ``root`` holds it; returns ``root``.

        The set appears in one piece, by renaming a finished folder, so that a killed run leaves no half of it, and
        two processes may call this together.

        Raises:
            FileExistsError: ``root`` exists and was not written by a generator.
        """
        root = Path(self.root)
        if self._is_current(root):
            return root
        if root.exists() and any(root.iterdir()) and not (root / _FINGERPRINT).is_file():
            raise FileExistsError(f'{root} holds other files; give {type(self).__name__} an empty folder as root')
        root.parent.mkdir(parents=True, exist_ok=True)
        print_log(f'{type(self).__name__}: writing {root}', logger='current')
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=f'.{root.name}_') as temporary:
            new = Path(temporary, 'new')
            new.mkdir()
            self.write(new)
            (new / _FINGERPRINT).write_text(json.dumps(self.fingerprint(), indent=1), encoding='utf-8')
            self._move_into_place(new, root, Path(temporary, 'old'))
        return root

    def _is_current(self, root: Path) -> bool:
        try:
            return json.loads((root / _FINGERPRINT).read_text(encoding='utf-8')) == self.fingerprint()
        except (OSError, ValueError):
            return False

    def _move_into_place(self, new: Path, root: Path, old: Path) -> None:
        try:
            if root.exists():
                os.replace(root, old)
            os.replace(new, root)
        except OSError:
            # Another process was quicker; what it wrote must be the same set.
            if not self._is_current(root):
                raise
        shutil.rmtree(old, ignore_errors=True)
