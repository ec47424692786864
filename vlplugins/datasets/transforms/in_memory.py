"""Keeping what transforms gave."""

import random
from typing import Any, Dict, Optional, Sequence

import numpy as np
from mmcv.transforms import BaseTransform, Compose

from vlplugins.registry import TRANSFORMS


@TRANSFORMS.register_module()
class KeepInMemory(BaseTransform):
    """Runs transforms once for each record and keeps what they give, for sets that fit into memory.

    Records are told apart by ``sample_idx``, which MMEngine's data sets count. Every worker process keeps its own,
    for as long as it lives: loaders with workers need ``persistent_workers=True``. What comes after must not write
    into arrays or samples that it is given; it may set keys of the results. Transforms that draw random numbers come
    after, or the first drawn ones would hold for all epochs::

        pipeline = [dict(type='KeepInMemory', transforms=[dict(type='LoadClipFeatures', ...), ...]), ...]

    Args:
        transforms: Configs of the transforms.

    Raises:
        ValueError: (when called) a record without ``sample_idx``, or transforms that drew random numbers of NumPy's or
            Python's global state.
    """

    def __init__(self, transforms: Sequence[dict]) -> None:
        self.transforms = Compose(list(transforms))
        self.kept: Dict[int, Dict[str, Any]] = {}

    def transform(self, results: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """What the transforms give of the record, at once where it came before."""
        index = results.get('sample_idx')
        if index is None:
            raise ValueError(f'a record with the keys {sorted(results)} has no sample_idx, by which it is kept')
        if index not in self.kept:
            before = _random_states()
            found = self.transforms(results)
            if _random_states() != before:
                raise ValueError(f'transforms of {self} draw random numbers; put those that do behind KeepInMemory')
            if found is None:
                return None
            self.kept[index] = found
        return dict(self.kept[index])

    def __repr__(self) -> str:
        names = ', '.join(type(each).__name__ for each in self.transforms.transforms)
        return f'{type(self).__name__}({names})'


def _random_states() -> tuple:
    state = np.random.get_state(legacy=False)['state']
    return state['pos'], state['key'].tobytes(), random.getstate()
