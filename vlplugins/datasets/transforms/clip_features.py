"""Loading features of the segments of a clip."""

import functools
import logging
from pathlib import Path
from typing import Any, Dict, Optional

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.logging import print_log

from vlplugins.registry import TRANSFORMS
from vlplugins.utils.optional import require
from vlplugins.utils.records import RecordError
from vlplugins.utils.safe_npz import load_npz


def rescale_features(features: np.ndarray, rescale: Optional[str]) -> np.ndarray:
    """Float32 features ``[N, D]``; with ``'sqrt_dim'`` times the root of D: vectors of length 1 get entries around 1.

    With ``'l2'`` rows get the length 1; rows of zeros stay.

    Raises:
        ValueError: an unknown ``rescale``.
    """
    if rescale not in (None, 'sqrt_dim', 'l2'):
        raise ValueError(f"rescale {rescale!r} is unknown; expected 'sqrt_dim', 'l2' or None")
    features = np.asarray(features, dtype=np.float32)
    if rescale == 'l2':
        return features / np.linalg.norm(features, axis=-1, keepdims=True).clip(min=1e-12)
    return features * np.float32(features.shape[-1] ** 0.5) if rescale else features


@functools.lru_cache(maxsize=512)
def _whole_file(path: str) -> Dict[str, np.ndarray]:
    return load_npz(path)


@TRANSFORMS.register_module()
class LoadClipFeatures(BaseTransform):
    """Loads the features of one modality: ``features[modality]`` float32 ``[N, D]``, one row for each segment.

    Where the record has no ``times`` of segments, there may be any number of rows from 1 on.

    The file is ``feature_files[modality]`` of the record: ``.npz`` or HDF5 (``.h5``, ``.hdf5``), in which
    ``feature_key`` is an array, or ``.npy``. ``present[modality]`` says whether there were any.

    Args:
        modality: Its name.
        dim: D, where it is to be checked.
        rescale: ``'sqrt_dim'`` for vectors of length 1, which get entries around 1; ``'l2'`` to give rows the length 1;
            ``None`` leaves values alone.
        max_rows: Rows that are taken, from the first on; all by default.
        missing: ``'error'``; or ``'absent'``: the clip is used without the modality, which the model leaves out of
            fusion and consensus. Needs ``dim``. Each is counted in a warning.
        in_memory: Keep all clips of an ``.npz`` file after the first was read: for small sets.

    Raises:
        ValueError: an unknown ``missing``, or ``'absent'`` without ``dim``.
        RecordError: (when called) no features, another number of rows than segments, another D, or values that are not
            finite.
    """

    def __init__(
        self,
        modality: str,
        dim: Optional[int] = None,
        rescale: Optional[str] = None,
        missing: str = 'error',
        in_memory: bool = False,
        max_rows: Optional[int] = None,
    ) -> None:
        if missing not in ('error', 'absent'):
            raise ValueError(f"missing {missing!r} is unknown; expected 'error' or 'absent'")
        if missing == 'absent' and dim is None:
            raise ValueError("missing='absent' needs dim, the width that the model expects")
        self.modality, self.dim, self.rescale = modality, dim, rescale
        self.missing, self.in_memory, self.max_rows = missing, in_memory, max_rows
        self.num_absent = 0

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add the features."""
        path, key = results['feature_files'][self.modality], results['feature_key']
        features = self._read(path, key)
        if features is None:
            self.num_absent += 1
            message = f'{path}, {key}: no {self.modality} features ({self.num_absent} clips so far); used without'
            print_log(message, 'current', level=logging.WARNING)
            features = np.zeros((len(results['times']), self.dim), np.float32)
            is_present = False
        else:
            self._check(features, path, key, len(results['times']) if 'times' in results else None)
            features, is_present = rescale_features(features[: self.max_rows], self.rescale), True
        results.setdefault('features', {})[self.modality] = features
        results.setdefault('present', {})[self.modality] = is_present
        return results

    def _read(self, path: str, key: str) -> Optional[np.ndarray]:
        expected = f'features of {key}'
        if not Path(path).is_file():
            if self.missing == 'absent':
                return None
            raise RecordError(path, 'no such file', expected)
        suffix = Path(path).suffix.lower()
        if suffix == '.npy':
            try:
                return np.load(path, allow_pickle=False)
            except (ValueError, EOFError, OSError) as error:
                raise RecordError(path, f'a truncated or damaged file ({error})', expected, key) from None
        arrays = self._hdf5(path, key) if suffix in ('.h5', '.hdf5') else self._npz(path, key)
        if key not in arrays:
            if self.missing == 'absent':
                return None
            raise RecordError(path, f'the clips {sorted(arrays)[:3]}, ...', expected, key)
        return arrays[key]

    def _npz(self, path: str, key: str) -> Dict[str, np.ndarray]:
        if self.in_memory:
            return _whole_file(path)
        try:
            return load_npz(path, [key])
        except RecordError as error:
            if self.missing == 'absent' and 'the keys' in error.expected:
                return {}
            raise

    @staticmethod
    def _hdf5(path: str, key: str) -> Dict[str, np.ndarray]:
        with require('h5py', 'LoadClipFeatures').File(path, 'r') as file:
            return {key: file[key][()]} if key in file else dict.fromkeys(list(file)[:3])

    def _check(self, features: np.ndarray, path: str, key: str, num_segments: Optional[int]) -> None:
        if features.ndim != 2 or len(features) < 1 or num_segments not in (None, len(features)):
            found = f'{self.modality} features {features.shape}'
            rows = 'at least one row' if num_segments is None else f'one row for each of {num_segments} segments'
            raise RecordError(path, found, rows, key)
        if self.dim is not None and features.shape[1] != self.dim:
            raise RecordError(path, f'{features.shape[1]} numbers a segment', f'dim={self.dim}', key)
        if not np.isfinite(features).all():
            row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
            raise RecordError(path, f'values that are not finite in row {row}', 'finite features', key)
