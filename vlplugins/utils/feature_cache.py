"""Features on disk with the fingerprint of what made them."""

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any, Dict, Optional, Sequence, Union

import numpy as np
from torch import nn

from vlplugins.utils.records import RecordError

_KEYS = {'names', 'stamps', 'features', 'fingerprint'}


def fingerprint_of(model: nn.Module, *settings: Any) -> str:
    """Hexadecimal digest of the weights of a model and of settings that JSON can hold (other values by ``str``)."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(settings, sort_keys=True, default=str).encode())
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f'{name} {tuple(tensor.shape)} {tensor.dtype}'.encode())
        # Half precisions that NumPy lacks are widened, which loses nothing.
        array = tensor.detach().cpu()
        array = array.float() if array.is_floating_point() else array
        digest.update(np.ascontiguousarray(array.numpy()).tobytes())
    return digest.hexdigest()


def stamp_of(path: Union[str, Path]) -> str:
    """Size and time of a file or folder; it changes when the content does."""
    status = os.stat(path)
    return f'{status.st_size}-{status.st_mtime_ns}'


class FeatureCache:
    """Named feature vectors of one model, in one ``.npz`` file without pickles.

    Args:
        fingerprint: Of the model, by :func:`fingerprint_of`.
        path: The file; ``None`` keeps the features in memory. A file that exists is read.

    Raises:
        RecordError: the file is damaged, is no cache, or is that of another model.
    """

    def __init__(self, fingerprint: str, path: Optional[Union[str, Path]] = None) -> None:
        self.fingerprint, self.path = fingerprint, None if path is None else Path(path)
        self._features: Dict[str, np.ndarray] = {}
        self._stamps: Dict[str, str] = {}
        if self.path is not None and self.path.exists():
            self._read()

    def __len__(self) -> int:
        return len(self._features)

    @property
    def names(self) -> list:
        """Names, in the order of ``features``."""
        return list(self._features)

    @property
    def features(self) -> np.ndarray:
        """``[N, E]``, float32."""
        return np.stack(list(self._features.values())) if self._features else np.zeros((0, 0), np.float32)

    def has(self, name: str, stamp: str) -> bool:
        """Whether the features of ``name`` are there and its ``stamp`` is the same."""
        return self._stamps.get(name) == stamp

    def add(self, name: str, stamp: str, feature: np.ndarray) -> None:
        """Add or replace the vector ``[E]`` of ``name``."""
        self._features[name], self._stamps[name] = np.asarray(feature, dtype=np.float32), stamp

    def keep_only(self, names: Sequence[str]) -> None:
        """Drop all but ``names``, and take their order; names that are not there are passed over."""
        self._features = {name: self._features[name] for name in names if name in self._features}
        self._stamps = {name: self._stamps[name] for name in self._features}

    def save(self) -> None:
        """Write the file in one piece: a killed run leaves the old one."""
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f'.{self.path.name}.{os.getpid()}')
        with open(temporary, 'wb') as file:
            np.savez(
                file,
                names=np.array(self.names, dtype=np.str_),
                stamps=np.array(list(self._stamps.values()), dtype=np.str_),
                features=self.features,
                fingerprint=np.array(self.fingerprint),
            )
        os.replace(temporary, self.path)

    def _read(self) -> None:
        try:
            with np.load(self.path, allow_pickle=False) as content:
                arrays = dict(content)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, TypeError):
            raise RecordError(self.path, 'no readable .npz file without pickles', 'a feature cache') from None
        if not _KEYS <= set(arrays):
            raise RecordError(self.path, f'the arrays {sorted(arrays)}', f'a feature cache with {sorted(_KEYS)}')
        names, stamps, features = (arrays[key] for key in ('names', 'stamps', 'features'))
        if str(arrays['fingerprint']) != self.fingerprint:
            found = f'features of another model (fingerprint {arrays["fingerprint"]})'
            raise RecordError(self.path, found, f'{self.fingerprint}; make it anew with this model and config')
        if features.ndim != 2 or not len(names) == len(stamps) == len(features) or not np.isfinite(features).all():
            raise RecordError(self.path, f'{len(names)} names for {features.shape}', 'finite features [N, E]')
        for name, stamp, feature in zip(names.tolist(), stamps.tolist(), features):
            self.add(name, stamp, feature)
